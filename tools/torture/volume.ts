import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const exec = promisify(execFile);

export const FILE_SYSTEMS = ["ext4", "xfs", "btrfs"] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** Nothing is fetched with less than 320 MiB free; a sparse file takes only what is written. */
const SIZE_BYTES = 2 ** 30;
const MKFS: Record<FileSystem, string[]> = {
  ext4: ["mkfs.ext4", "-q", "-F"],
  xfs: ["mkfs.xfs", "-q", "-f"],
  btrfs: ["mkfs.btrfs", "-q", "-f"],
};
const COPIES = 20;
const UNMOUNTS = 100;

/** The disk that has DATA_DIR: a small file system of its own for root, a directory for everybody else. */
export class Volume {
  private constructor(
    private readonly dir: string,
    /** Null: DATA_DIR is an ordinary directory. */
    readonly fileSystem: FileSystem | null,
  ) {}

  /** @param fileSystem null: make an ordinary directory, which needs no root */
  static async create(fileSystem: FileSystem | null): Promise<Volume> {
    const volume = new Volume(await mkdtemp(join(tmpdir(), "lockstep-torture-")), fileSystem);
    await mkdir(volume.dataDir);
    if (fileSystem === null) return volume;
    await writeFile(volume.#image, "");
    await truncate(volume.#image, SIZE_BYTES);
    const [program = "", ...args] = MKFS[fileSystem];
    await exec(program, [...args, volume.#image]);
    await volume.mount();
    return volume;
  }

  get dataDir(): string {
    return join(this.dir, "data");
  }

  get #image(): string {
    return join(this.dir, "image");
  }

  // mount -o loop image data
  async mount(): Promise<void> {
    await exec("mount", ["-o", "loop", this.#image, this.dataDir]);
  }

  // mount -o remount,ro data
  async remount(mode: "ro" | "rw"): Promise<void> {
    await exec("mount", ["-o", `remount,${mode}`, this.dataDir]);
  }

  /**
   * Goes on with what is on the disk and not only in memory, as after a power cut. No process may use the volume any
   * more. The file system replays its journal when the copy is mounted.
   */
  async cutPower(): Promise<void> {
    const copy = `${this.#image}.copy`;
    await this.#copyOfOneMoment(copy);
    await this.#unmount();
    await exec("mv", [copy, this.#image]);
    await this.mount();
  }

  async remove(): Promise<void> {
    if (this.fileSystem !== null) await this.#unmount().catch(() => {});
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  /** The kernel may write to the image while it is copied, so a copy counts when the image still equals it. */
  async #copyOfOneMoment(copy: string): Promise<void> {
    for (let tries = 0; tries < COPIES; tries += 1) {
      await exec("cp", ["--sparse=always", this.#image, copy]);
      if (await isEqual(this.#image, copy)) return;
    }
    throw new Error(`${this.#image} was written to all the time`);
  }

  /** What has just been killed may hold a file for a moment. */
  async #unmount(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await exec("umount", [this.dataDir]);
        return;
      } catch (error) {
        if (tries === UNMOUNTS) throw error;
        await sleep(50);
      }
    }
  }
}

const isEqual = (one: string, other: string): Promise<boolean> =>
  exec("cmp", ["--silent", one, other]).then(
    () => true,
    () => false,
  );
