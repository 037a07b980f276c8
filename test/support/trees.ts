import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { plainGit } from "./git.js";

/** A file of a commit: its text, or its mode and content; null deletes the file. */
export type NewFile = string | { mode: "100644" | "100755" | "120000" | "160000"; data: string } | null;

/** Writes a commit on main; a path is bytes, one character each. @returns the commit */
export function commitFiles(dir: string, files: Record<string, NewFile>, branch = "main"): string {
  const ref = `refs/heads/${branch}`;
  const parts = [`commit ${ref}\ncommitter T <t@example.com> ${Math.floor(Date.now() / 1000)} +0000\n`];
  parts.push("data 1\nx\n", `from ${ref}^0\n`);
  for (const [path, file] of Object.entries(files)) {
    const { mode, data } = typeof file === "string" ? { mode: "100644", data: file } : (file ?? {});
    const name = `"${path.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
    if (file === null) parts.push(`D ${name}\n`);
    else if (mode === "160000") parts.push(`M ${mode} ${data} ${name}\n`);
    else parts.push(`M ${mode} inline ${name}\ndata ${Buffer.byteLength(data!, "latin1")}\n${data}\n`);
  }
  const input = Buffer.from(parts.join(""), "latin1");
  execFileSync("git", ["fast-import", "--quiet", "--force"], {
    input,
    env: { ...process.env, GIT_DIR: dir },
  });
  return plainGit(dir, "rev-parse", ref);
}

/**
 * Writes a commit on main with one file, at a path that newer versions of fast-import refuse. @returns the
 * commit
 */
export function commitAnyPath(dir: string, path: string, text: string): string {
  const write = (args: string[], input: string) =>
    execFileSync("git", args, { input, env: { ...process.env, GIT_DIR: dir }, encoding: "utf8" }).trim();
  const blob = `100644 blob ${write(["hash-object", "-w", "--stdin"], text)}`;
  const entry = path
    .split("/")
    .reduceRight((inner, name) => `040000 tree ${write(["mktree"], `${inner}\t${name}\n`)}`, blob);
  const commit = plainGit(dir, "commit-tree", "-m", "x", entry.split(" ")[2]!);
  plainGit(dir, "update-ref", "refs/heads/main", commit);
  return commit;
}

/** Lists every file below, as `<mode> <path> <content>`; a path is bytes, one character each. */
export function filesBelow(dir: string, under = ""): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(Buffer.from(join(dir, under), "latin1"), { encoding: "buffer" })) {
    const path = join(under, entry.toString("latin1"));
    const full = Buffer.from(join(dir, path), "latin1");
    const stat = lstatSync(full);
    if (stat.isDirectory()) found.push(...filesBelow(dir, path));
    else if (stat.isSymbolicLink()) found.push(`120000 ${path} ${readlinkSync(full)}`);
    else found.push(`${stat.mode & 0o100 ? 100755 : 100644} ${path} ${readFileSync(full, "latin1")}`);
  }
  return found.sort();
}

/** Lists a commit's files in the same form, `<mode> <path> <content>`, without submodules. */
export function filesOf(gitDir: string, commit: string): string[] {
  const run = (...args: string[]) =>
    execFileSync("git", args, { env: { ...process.env, GIT_DIR: gitDir }, encoding: "latin1" });
  const lines = run("ls-tree", "-r", "-z", commit).split("\0").filter(Boolean);
  const entries = lines.map((line) => /^(\d+) (\w+) (\w+)\t([\s\S]*)$/.exec(line)!.slice(1));
  return entries
    .filter(([, kind]) => kind === "blob")
    .map(([mode, , sha, path]) => `${mode} ${path} ${run("cat-file", "blob", sha!)}`)
    .sort();
}
