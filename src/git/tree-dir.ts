import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A git directory for the trees alone, so that neither the mirror's configuration nor its refs (replace
 * refs, say) have a say in what is written. Objects are the mirror's, by GIT_OBJECT_DIRECTORY.
 * https://git-scm.com/docs/gitrepository-layout
 */
export function prepareTreeDir(base: string, paths: readonly string[]): void {
  const dir = join(base, "git");
  mkdirSync(join(dir, "refs"), { recursive: true, mode: 0o750 });
  mkdirSync(join(dir, "info"), { recursive: true, mode: 0o750 });
  put(join(dir, "HEAD"), "ref: refs/heads/none\n");
  put(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n");
  // Over every .gitattributes of the commit (gitattributes(5)): no filter runs, whatever is configured.
  put(join(dir, "info", "attributes"), "* -filter\n");
  put(join(dir, "info", "sparse-checkout"), paths.map((path) => `/${escaped(path)}\n`).join(""));
}

/** As in .gitignore: gitignore(5). */
const escaped = (path: string): string => path.replace(/[\\*?[\]!#]|\s+$/g, (found) => `\\${found}`);

function put(file: string, text: string): void {
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch {
    // not there yet
  }
  writeFileSync(file, text);
}
