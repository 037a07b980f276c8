import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A git directory that holds nothing but the refs a fetch should start from. Objects come through it
 * into the mirror's own store, and connectivity is checked against these few refs: the cost of a fetch
 * does not grow with the number of refs in the mirror. Layout: gitrepository-layout(5).
 */
export interface Scratch {
  dir: string;
  /** Objects fetched to refs/x/<index>, by index. */
  fetched(): Map<number, string>;
  /** Forgets what was fetched; the empty directory is kept for the next fetch. */
  clear(): void;
}

/** Beside the mirror. One fetch at a time uses it: a repository has one writer. */
export function openScratch(repositoryDir: string, bases: string[]): Scratch {
  const dir = join(repositoryDir, "scratch.git");
  const brought = join(dir, "refs", "x");
  if (!existsSync(join(dir, "config"))) {
    mkdirSync(join(dir, "refs"), { recursive: true, mode: 0o750 });
    writeFileSync(join(dir, "HEAD"), "ref: refs/heads/none\n");
    writeFileSync(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  }
  const clear = () => rmSync(brought, { recursive: true, force: true });
  clear();
  // All of them in one file, as `git pack-refs` writes it: each further file costs half a millisecond.
  const lines = bases.map((sha, index) => `${sha} refs/base/${String(index).padStart(6, "0")}\n`);
  writeFileSync(join(dir, "packed-refs"), `# pack-refs with: sorted \n${lines.join("")}`);
  return {
    dir,
    fetched: () =>
      new Map(
        readdirSync(brought).map((name) => [Number(name), readFileSync(join(brought, name), "utf8").trim()]),
      ),
    clear,
  };
}
