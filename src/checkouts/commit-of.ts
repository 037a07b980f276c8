import type { RunGit } from "../git/run/exec.js";

/** Resolves a ref's object to a commit. @returns null: the object is neither a commit nor a tag of one */
export async function commitOf(
  git: RunGit,
  { mirror, tip, ref }: { mirror: string; tip: string; ref: string },
): Promise<string | null> {
  if (ref.startsWith("refs/heads/")) return tip;
  // git rev-parse --verify --quiet <tip>^{commit}
  const args = ["rev-parse", "--verify", "--quiet", `${tip}^{commit}`];
  const { stdout } = await git({ args, gitDir: mirror, timeoutMs: 60_000, okCodes: [0, 1] });
  return stdout.trim() || null;
}
