import { readdirSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const FILES = 12;

/** Writes files that all contain the same number, some of them new, and one that lists them. */
export function release(n: number): Record<string, string | null> {
  const files: Record<string, string | null> = {};
  for (let file = 0; file < FILES; file++) files[`dir-${file % 3}/file-${file}`] = `${n}`;
  files[`once/${n}`] = `${n}`;
  if (n > 0) files[`once/${n - 1}`] = null;
  files.manifest = [n, ...Object.keys(files).filter((path) => files[path] !== null)].join("\n");
  return files;
}

/** @returns what is wrong with a tree; null when it is one complete release */
export async function flawOf(tree: string): Promise<string | null> {
  const [n, ...paths] = (await readFile(join(tree, "manifest"), "utf8")).split("\n");
  for (const path of paths) {
    const text = await readFile(join(tree, path), "utf8");
    if (text !== n) return `${path} says ${text} in release ${n}`;
  }
  const once = readdirSync(join(tree, "once"));
  return once.length === 1 && once[0] === n ? null : `release ${n} has ${once}`;
}

export interface Readers {
  /** The number of trees that were read from beginning to end within the grace. */
  readonly reads: number;
  readonly flaws: string[];
  stop(): Promise<void>;
}

/** Each reader resolves the link once and reads the tree twice, the second time near the end of the grace. */
export function startReaders(link: string, count: number, graceMs: number): Readers {
  const state = { reads: 0, flaws: [] as string[], stopped: false };

  async function read(): Promise<void> {
    const startedAt = performance.now();
    const isHeld = () => performance.now() - startedAt < graceMs;
    try {
      const tree = await realpath(link);
      for (const pauseMs of [0, Math.random() * 0.7 * graceMs]) {
        await sleep(pauseMs);
        const flaw = await flawOf(tree);
        // A reader that takes longer than the grace may see anything.
        if (!isHeld()) return;
        if (flaw) state.flaws.push(flaw);
      }
      state.reads += 1;
    } catch (error) {
      if (isHeld()) state.flaws.push(String(error));
    }
  }

  async function readOn(): Promise<void> {
    while (!state.stopped) await read();
  }

  const all = Array.from({ length: count }, readOn);
  return Object.assign(state, {
    async stop() {
      state.stopped = true;
      await Promise.all(all);
    },
  });
}
