import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * A scratch is a git directory with only the refs that a fetch should start from. The fetch stores its
 * objects in the mirror's own store, and checks connectivity against these few refs. The cost of a fetch
 * therefore does not grow with the number of refs in the mirror. Layout: gitrepository-layout(5).
 */
export interface Scratch {
  dir: string;
  /** Leaves the directory to a later fetch. */
  close(): void;
}

/** The directories that fetches of this process work in. */
const open = new Set<string>();

/** Opens a scratch directory beside the mirror, which no other fetch uses until it is closed. */
export async function openScratch(repositoryDir: string, bases: string[]): Promise<Scratch> {
  const dir = takeFree(repositoryDir);
  const close = () => void open.delete(dir);
  try {
    await fill(dir, bases);
  } catch (error) {
    close();
    throw error;
  }
  return { dir, close };
}

/** Two fetches in one directory would start from each other's refs. */
function takeFree(repositoryDir: string): string {
  for (let n = 1; ; n++) {
    const dir = join(repositoryDir, n === 1 ? "scratch.git" : `scratch-${n}.git`);
    if (open.has(dir)) continue;
    open.add(dir);
    return dir;
  }
}

async function fill(dir: string, bases: string[]): Promise<void> {
  if (!existsSync(join(dir, "config"))) {
    await mkdir(join(dir, "refs"), { recursive: true, mode: 0o750 });
    await writeFile(join(dir, "HEAD"), "ref: refs/heads/none\n");
    await writeFile(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  }
  // All bases go into one file, as `git pack-refs` writes it: each further file costs half a millisecond.
  const lines = bases.map((sha, index) => `${sha} refs/base/${String(index).padStart(6, "0")}\n`);
  await writeFile(join(dir, "packed-refs"), `# pack-refs with: sorted \n${lines.join("")}`);
}
