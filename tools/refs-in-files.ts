import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Reads a repository's refs from its files, without a git process (gitrepository-layout(5)), for frequent
 * checks before git itself is asked.
 * @returns null when there is no repository
 */
export function refsInFiles(gitDir: string): Map<string, string> | null {
  if (!existsSync(join(gitDir, "HEAD"))) return null;
  // Loose refs are read first, because git packs a ref before removing the loose one.
  const loose = looseRefs(gitDir);
  return new Map([...packedRefs(gitDir), ...loose]);
}

function looseRefs(gitDir: string): [string, string][] {
  const paths = readdirSync(join(gitDir, "refs"), { recursive: true, encoding: "utf8" });
  return paths.flatMap((path): [string, string][] => {
    const text = textOf(join(gitDir, "refs", path));
    return /^[0-9a-f]{40}$/.test(text) ? [[`refs/${path}`, text]] : [];
  });
}

function packedRefs(gitDir: string): [string, string][] {
  const lines = textOf(join(gitDir, "packed-refs")).split("\n");
  return lines
    .filter((line) => /^[0-9a-f]{40} /.test(line))
    .map((line) => [line.slice(41), line.slice(0, 40)]);
}

/** A file deleted while it is read, or a directory, has no text. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
