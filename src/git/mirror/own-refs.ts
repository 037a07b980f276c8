import type { MirrorContext } from "./memory.js";

/** Who clones a mirror is not shown Lockstep's own refs. git-config(1), transfer.hideRefs */
export const HIDE_OWN_REFS = ["transfer.hideRefs", "refs/lockstep"];

const TIMEOUT_MS = 120_000;

/** Mirrors that an earlier Lockstep made do not hide them yet. */
export async function hideOwnRefs({ git, layout, memory }: MirrorContext, id: number): Promise<void> {
  if (memory.hiding.has(id)) return;
  // Other values of this setting are an operator's: they stay.
  const args = ["config", "--replace-all", ...HIDE_OWN_REFS, "^refs/lockstep$"];
  await git({ args, gitDir: layout.mirror(id), timeoutMs: TIMEOUT_MS });
  memory.hiding.add(id);
}
