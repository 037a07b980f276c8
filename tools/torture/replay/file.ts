import { readFileSync } from "node:fs";

/** How much of what was not synced the disk has. */
export type Unsynced =
  | "present"
  /** The first half of the bytes. */
  | "half"
  /** Files have their new length of zero, and none of the bytes. */
  | "empty"
  /** Nothing happened since the last sync. */
  | "lost";

type Change = { offset: number; data: Buffer } | { size: number };

/** A file, with everything that was written to it since the beginning of the trace. */
export class FileNode {
  readonly #changes: Change[] = [];
  #synced = 0;
  #position = 0;

  /** @param source the file that had the content before the trace; null: the trace made the file */
  constructor(
    readonly source: string | null,
    public mode: number,
  ) {}

  get isUnchanged(): boolean {
    return this.source !== null && this.#changes.length === 0;
  }

  /** @param offset null: where the last write ended */
  write(data: Buffer, offset: number | null): void {
    this.#changes.push({ offset: offset ?? this.#position, data });
    if (offset === null) this.#position += data.length;
  }

  /** The next write without an offset begins there. */
  seek(offset: number): void {
    this.#position = offset;
  }

  truncate(size: number): void {
    this.#changes.push({ size });
  }

  sync(): void {
    this.#synced = this.#changes.length;
  }

  content(unsynced: Unsynced): Buffer {
    const open = this.#changes.slice(this.#synced);
    const bytes = open.reduce((sum, change) => sum + ("data" in change ? change.data.length : 0), 0);
    const left = { present: bytes, half: Math.floor(bytes / 2), empty: 0, lost: 0 }[unsynced];
    const certain = this.#changes.slice(0, this.#synced);
    const base = this.source === null ? Buffer.alloc(0) : readFileSync(this.source);
    return [...certain, ...(unsynced === "lost" ? [] : firstBytes(open, left))].reduce(applied, base);
  }
}

/** Truncations are in the books of the file system, and cost no bytes. */
function firstBytes(changes: Change[], bytes: number): Change[] {
  let left = bytes;
  return changes.flatMap((change): Change[] => {
    if ("size" in change) return [change];
    const data = change.data.subarray(0, left);
    left -= data.length;
    return data.length === 0 ? [] : [{ offset: change.offset, data }];
  });
}

function applied(content: Buffer, change: Change): Buffer {
  const length =
    "size" in change ? change.size : Math.max(content.length, change.offset + change.data.length);
  const next = Buffer.alloc(length);
  content.copy(next);
  if ("data" in change) change.data.copy(next, change.offset);
  return next;
}
