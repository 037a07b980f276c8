import type { MirrorContext } from "./memory.js";

/** Clients that clone a mirror do not see Lockstep's own refs. git-config(1), transfer.hideRefs */
export const HIDE_OWN_REFS = ["transfer.hideRefs", "refs/lockstep"];

const TIMEOUT_MS = 120_000;

/** Hides Lockstep's own refs in mirrors that an earlier Lockstep made without the setting. */
export async function hideOwnRefs({ git, layout, memory }: MirrorContext, id: number): Promise<void> {
  if (memory.hiding.has(id)) return;
  // Other values of this setting belong to an operator, and stay.
  const args = ["config", "--replace-all", ...HIDE_OWN_REFS, "^refs/lockstep$"];
  await git({ args, gitDir: layout.mirror(id), timeoutMs: TIMEOUT_MS });
  memory.hiding.add(id);
}
