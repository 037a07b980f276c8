import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Repo } from "./types.js";

interface Copy {
  dir: string;
  ms: number;
  /** When it stops being served; set by the next delivery. */
  until: number;
}

/** GitHub's replication lag: what a repository was before a push, served for a while after it. */
export class StaleCopies {
  readonly #copies = new Map<number, Copy>();
  #count = 0;

  constructor(private readonly root: string) {}

  async serve(repo: Repo, ms: number): Promise<void> {
    this.#count += 1;
    const parent = join(this.root, `stale-${this.#count}`);
    await mkdir(parent, { recursive: true });
    const dir = join(parent, `${repo.id}.git`);
    await promisify(execFile)("cp", ["-r", repo.dir, dir]);
    this.#copies.set(repo.id, { dir, ms, until: Number.POSITIVE_INFINITY });
  }

  /** Starts the time that the copy is served after a delivery. */
  delivered(repo: Repo): void {
    const copy = this.#copies.get(repo.id);
    if (copy?.until === Number.POSITIVE_INFINITY) copy.until = performance.now() + copy.ms;
  }

  stop(repo: Repo): void {
    this.#copies.delete(repo.id);
  }

  directoryOf(repo: Repo): string {
    const copy = this.#copies.get(repo.id);
    return copy && performance.now() < copy.until ? copy.dir : repo.dir;
  }
}
