import { join } from "node:path";

/**
 * A path in a tree is bytes, and need not be UTF-8. Here it is a string of them, one character each
 * (latin1), so that it can be a key and be cut at its slashes.
 */
export type BytePath = string;

const ESCAPES: Record<string, string> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
};

/** A path as git prints it without -z: core.quotePath in git-config(1). */
export function unquoted(text: string): BytePath {
  const bytes = Buffer.from(text).toString("latin1");
  if (!bytes.startsWith('"')) return bytes;
  return bytes
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
    );
}

/** As git reads a path in quotes; an ordinary string, as are those of a commit's submodules. git-fast-import(1), <path> */
export const quotedPath = (path: string): string =>
  `"${path.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

/** As git reads paths with -z. */
export const nulTerminated = (paths: readonly BytePath[]): Buffer =>
  Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1");

/** @param dir a directory of Lockstep's own, an ordinary string */
export const below = (dir: string, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(join(dir, "/")), Buffer.from(path, "latin1")]);

/** For people to read. */
export const readable = (path: BytePath): string => Buffer.from(path, "latin1").toString("utf8");
