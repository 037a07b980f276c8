import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { syncPath } from "../../machine/durable.js";
import type { MirrorContext } from "./memory.js";

/** Clients that clone a mirror do not see Lockstep's own refs. git-config(1), transfer.hideRefs */
const HIDE_OWN_REFS = ["transfer.hideRefs", "refs/lockstep"];

/** What `git config transfer.hideRefs refs/lockstep` adds to the configuration of a new mirror. */
const HIDDEN = "[transfer]\n\thideRefs = refs/lockstep\n";

/** Hides Lockstep's own refs in a mirror that is being made, without a process of git's for it. */
export const hideInNew = (gitDir: string): Promise<void> => appendFile(join(gitDir, "config"), HIDDEN);

const TIMEOUT_MS = 120_000;

/** Hides Lockstep's own refs in mirrors that an earlier Lockstep made without the setting. */
export async function hideOwnRefs({ git, layout, memory }: MirrorContext, id: number): Promise<void> {
  if (memory.hiding.has(id)) return;
  const mirror = layout.mirror(id);
  const config = join(mirror, "config");
  if (!/^\s*hiderefs = refs\/lockstep$/im.test(await readFile(config, "utf8"))) {
    // Other values of this setting belong to an operator, and stay.
    const args = ["config", "--replace-all", ...HIDE_OWN_REFS, "^refs/lockstep$"];
    await git({ args, gitDir: mirror, timeoutMs: TIMEOUT_MS });
    // git syncs neither the file nor its directory.
    await syncPath(config);
    await syncPath(mirror);
  }
  memory.hiding.add(id);
}
