import type { Git } from "./git.js";
import { type Repo, ZERO } from "./types.js";

export interface NewCommit {
  /** ZERO or none: a root commit. */
  parent?: string;
  message?: string;
  /** Content by path, or a submodule's commit; null deletes. What is not named stays as in the parent. */
  files?: Record<string, string | Buffer | { gitlink: string } | null>;
}

let counter = 0;

const data = (text: string | Buffer): string => {
  const content = Buffer.from(text);
  return `data ${content.length}\n${content.toString("latin1")}\n`;
};

/** One commit as git-fast-import(1) reads it, in latin1 so that bytes stay bytes. */
export function fastImportCommit(commit: NewCommit & { ref: string }): string {
  const lines = [`commit ${commit.ref}\n`, "mark :1\n"];
  lines.push(`committer Mona <mona@example.com> ${Math.floor(Date.now() / 1000)} +0000\n`);
  lines.push(data(commit.message ?? "Change"));
  if (commit.parent && commit.parent !== ZERO) lines.push(`from ${commit.parent}\n`);
  for (const [path, content] of Object.entries(commit.files ?? {})) {
    const name = Buffer.from(path).toString("latin1");
    lines.push(change(name, content));
  }
  return `${lines.join("")}\n`;
}

function change(name: string, content: NonNullable<NewCommit["files"]>[string]): string {
  if (content === null) return `D ${name}\n`;
  if (typeof content === "object" && "gitlink" in content) return `M 160000 ${content.gitlink} ${name}\n`;
  return `M 100644 inline ${name}\n${data(content)}`;
}

/** Files of a commit that names none: one whose content is never twice the same. */
export function someChange(): Record<string, string> {
  counter += 1;
  return { "change.txt": `${process.pid} ${Date.now()} ${counter}\n` };
}

/**
 * Makes a commit that no ref points at yet, as a push of few objects does: loose.
 * `reset` to nothing at the end keeps fast-import from writing its ref.
 */
export async function commitObject(git: Git, repo: Repo, commit: NewCommit): Promise<string> {
  const ref = "refs/standin/new";
  const stream = `${fastImportCommit({ ...commit, ref })}get-mark :1\nreset ${ref}\nfrom ${ZERO}\n\n`;
  const { stdout } = await git.run(repo.dir, ["fast-import", "--quiet"], {
    input: Buffer.from(stream, "latin1"),
  });
  return stdout.trim();
}
