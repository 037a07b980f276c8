import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A scratch is a git directory with only the refs that a fetch should start from. The fetch stores its
 * objects in the mirror's own store, and checks connectivity against these few refs. The cost of a fetch
 * therefore does not grow with the number of refs in the mirror. Layout: gitrepository-layout(5).
 */
export interface Scratch {
  dir: string;
  /** Returns the objects fetched to refs/x/<index>, by index. */
  fetched(): Map<number, string>;
  /** Forgets what was fetched; the empty directory is kept for the next fetch. */
  clear(): void;
}

/**
 * Opens the scratch directory beside the mirror. One fetch at a time uses it: a repository has one writer.
 */
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
  // All bases go into one file, as `git pack-refs` writes it: each further file costs half a millisecond.
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
