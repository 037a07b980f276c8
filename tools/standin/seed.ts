import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fastImportCommit } from "./commit-object.js";
import type { Git } from "./git.js";
import type { Repo } from "./types.js";

/** A first commit on the default branch; for many refs, as many commits as make them worth packing. */
export async function seedHistory(
  git: Git,
  repo: Pick<Repo, "dir" | "owner" | "name" | "defaultBranch">,
  manyRefs: number,
): Promise<void> {
  const ref = `refs/heads/${repo.defaultBranch}`;
  const stream = [
    fastImportCommit({ ref, message: "Start", files: { "README.md": `# ${repo.owner}/${repo.name}\n` } }),
  ];
  for (let n = 1; n < Math.min(manyRefs, 1000); n += 1)
    stream.push(fastImportCommit({ ref, message: `Step ${n}`, files: { "steps.txt": `step ${n}\n` } }));
  await git.run(repo.dir, ["fast-import", "--quiet"], { input: Buffer.from(stream.join(""), "latin1") });
}

/** Writes packed-refs(5) itself: git would first make one file for each ref. */
export async function writeManyRefs(git: Git, repo: Repo, count: number): Promise<void> {
  await git.run(repo.dir, ["pack-refs", "--all"]);
  const log = await git.run(repo.dir, ["rev-list", "--max-count=1000", repo.defaultBranch]);
  const commits = log.stdout.trim().split("\n");
  const existing = await git.run(repo.dir, ["for-each-ref", "--format=%(objectname) %(refname)"]);
  const lines = existing.stdout.trim().split("\n");
  for (let n = 0; n < count; n += 1) {
    const kind = n % 2 === 0 ? "heads/topic" : "tags/build";
    lines.push(`${commits[n % commits.length]} refs/${kind}/${String(n).padStart(6, "0")}`);
  }
  lines.sort((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1));
  const header = "# pack-refs with: sorted ";
  await writeFile(join(repo.dir, "packed-refs"), `${header}\n${lines.join("\n")}\n`);
  // Without "peeled" in the header git would look up every tag on each advertisement.
  await git.run(repo.dir, ["pack-refs", "--all"]);
}
