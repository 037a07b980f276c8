import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { forEachInSlices } from "../../base/slices.js";

/**
 * A scratch is a git directory with only the refs that a fetch should start from. The fetch stores its
 * objects in the mirror's own store, and checks connectivity against these few refs. The cost of a fetch
 * therefore does not grow with the number of refs in the mirror. Layout: gitrepository-layout(5).
 */
export interface Scratch {
  dir: string;
  /** Returns the objects fetched to refs/x/<index>, by index. */
  fetched(): Promise<Map<number, string>>;
  /** Forgets what was fetched; the empty directory is kept for a later fetch. */
  close(): Promise<void>;
}

/** The directories that fetches of this process work in. */
const open = new Set<string>();

/** Opens a scratch directory beside the mirror, which no other fetch uses until it is closed. */
export async function openScratch(repositoryDir: string, bases: string[]): Promise<Scratch> {
  const dir = takeFree(repositoryDir);
  const brought = join(dir, "refs", "x");
  const clear = () => rm(brought, { recursive: true, force: true });
  try {
    await clear();
    fill(dir, bases);
  } catch (error) {
    open.delete(dir);
    throw error;
  }
  return {
    dir,
    async fetched() {
      const found = new Map<number, string>();
      await forEachInSlices(await readdir(brought), (name) => {
        found.set(Number(name), readFileSync(join(brought, name), "utf8").trim());
      });
      return found;
    },
    async close() {
      try {
        await clear();
      } finally {
        open.delete(dir);
      }
    },
  };
}

/** Two fetches in one directory would take each other's refs for their own. */
function takeFree(repositoryDir: string): string {
  for (let n = 1; ; n++) {
    const dir = join(repositoryDir, n === 1 ? "scratch.git" : `scratch-${n}.git`);
    if (open.has(dir)) continue;
    open.add(dir);
    return dir;
  }
}

function fill(dir: string, bases: string[]): void {
  if (!existsSync(join(dir, "config"))) {
    mkdirSync(join(dir, "refs"), { recursive: true, mode: 0o750 });
    writeFileSync(join(dir, "HEAD"), "ref: refs/heads/none\n");
    writeFileSync(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  }
  // All bases go into one file, as `git pack-refs` writes it: each further file costs half a millisecond.
  const lines = bases.map((sha, index) => `${sha} refs/base/${String(index).padStart(6, "0")}\n`);
  writeFileSync(join(dir, "packed-refs"), `# pack-refs with: sorted \n${lines.join("")}`);
}
