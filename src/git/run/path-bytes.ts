import { join } from "node:path";

/**
 * A path in a tree is bytes, and need not be UTF-8. A BytePath is a string with one character for each byte
 * (latin1), so that a path can be a key and be split at its slashes.
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

/** Reads a path as git prints it without -z: core.quotePath in git-config(1). */
export function unquoted(text: string): BytePath {
  const bytes = Buffer.from(text).toString("latin1");
  if (!bytes.startsWith('"')) return bytes;
  return bytes
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
    );
}

/**
 * Writes a path as git reads it in quotes. The path is an ordinary string, like the paths of a commit's
 * submodules. git-fast-import(1), <path>
 */
export const quotedPath = (path: string): string =>
  `"${path.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

/** Writes paths as git reads them with -z. */
export const nulTerminated = (paths: readonly BytePath[]): Buffer =>
  Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1");

/** @param dir a directory of Lockstep's own, as an ordinary string */
export const below = (dir: string, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(join(dir, "/")), Buffer.from(path, "latin1")]);

/** Writes a path for people to read. */
export const readable = (path: BytePath): string => Buffer.from(path, "latin1").toString("utf8");
