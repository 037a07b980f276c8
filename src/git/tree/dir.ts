import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exemption } from "./verbatim.js";

/**
 * Makes a git directory for the trees alone, so that neither the mirror's configuration nor its refs (replace
 * refs, say) affect what is written. Objects are the mirror's, by GIT_OBJECT_DIRECTORY.
 * https://git-scm.com/docs/gitrepository-layout
 * @param verbatim files that are written unconverted, whatever their attributes; quoted as git prints them
 */
export function prepareTreeDir(base: string, paths: readonly string[], verbatim: string[]): void {
  const dir = join(base, "git");
  mkdirSync(join(dir, "refs"), { recursive: true, mode: 0o750 });
  mkdirSync(join(dir, "info"), { recursive: true, mode: 0o750 });
  put(join(dir, "HEAD"), "ref: refs/heads/none\n");
  put(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n");
  // This file overrides every .gitattributes of the commit (gitattributes(5)): no filter runs, whatever is
  // configured.
  const attributes = ["* -filter", ...verbatim.map(exemption), ""].join("\n");
  put(join(dir, "info", "attributes"), attributes, "latin1");
  put(join(dir, "info", "sparse-checkout"), paths.map((path) => `/${escaped(path)}\n`).join(""));
}

/** Escapes a path as in .gitignore: gitignore(5). */
const escaped = (path: string): string => path.replace(/[\\*?[\]!#]|\s(?=\s*$)/g, (found) => `\\${found}`);

function put(file: string, text: string, encoding: "utf8" | "latin1" = "utf8"): void {
  try {
    if (readFileSync(file, encoding) === text) return;
  } catch {
    // The file does not exist yet.
  }
  writeFileSync(file, text, encoding);
}
