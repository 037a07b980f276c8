import type { Spill, SpillSpace } from "./spill.js";

/** Where a follower is in the answer. */
export interface Position {
  /** In bytes. */
  at: number;
  /** The piece in memory that comes next, counted from the first there ever was. */
  piece: number;
}

/** What was produced of one answer: its head in memory, then a file, then a window that moves on. */
export interface Store {
  /** Whether every byte from the first on can still be read. */
  readonly isWhole: boolean;
  /** Adds a piece. Resolves once it can be read. @param isShared whether more than one follower reads */
  add(bytes: Buffer, isShared: boolean): Promise<void>;
  /** @returns the next bytes, and moves the position; null: there are none yet */
  next(position: Position): Promise<Buffer | null>;
  /** Lets go of what every follower has passed. @returns the bytes of the window that are left */
  dropBefore(piece: number): number;
  free(): Promise<void>;
}

/** Memory that all heads share. */
export interface HeadMemory {
  /** @returns false: there is no room */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

const MAX_HEAD = 8 * 2 ** 20;
/** A smaller piece may hold a larger buffer of Node's. */
const COPIED = 32 * 1024;

export function createStore(memory: HeadMemory, spills: SpillSpace): Store {
  let part: "head" | "file" | "window" = "head";
  const pieces: Buffer[] = [];
  let dropped = 0;
  let headBytes = 0;
  let headPieces = 0;
  let heldBytes = 0;
  let windowBytes = 0;
  let spill: Spill | null = null;
  let spilled = 0;

  function addToHead(bytes: Buffer): boolean {
    if (headBytes + bytes.length > MAX_HEAD || !memory.take(bytes.length)) return false;
    pieces.push(bytes);
    headPieces += 1;
    headBytes += bytes.length;
    heldBytes += bytes.length;
    return true;
  }

  async function addToFile(bytes: Buffer): Promise<boolean> {
    if (!spill || !(await spill.append(bytes))) return false;
    spilled = spill.size;
    return true;
  }

  return {
    get isWhole() {
      return part !== "window";
    },
    async add(chunk, isShared) {
      const bytes = chunk.length < COPIED ? Buffer.from(chunk) : chunk;
      if (part === "head") {
        if (addToHead(bytes)) return;
        if (isShared) spill = await spills.open();
        part = spill ? "file" : "window";
      }
      if (part === "file" && (await addToFile(bytes))) return;
      part = "window";
      pieces.push(bytes);
      windowBytes += bytes.length;
    },
    async next(position) {
      const inFile = position.at - headBytes;
      const isInFile = inFile >= 0 && inFile < spilled;
      const bytes = isInFile ? await spill!.read(inFile) : pieces[position.piece - dropped];
      if (bytes === undefined) return null;
      position.at += bytes.length;
      if (!isInFile) position.piece += 1;
      return bytes;
    },
    dropBefore(piece) {
      for (; part === "window" && dropped < piece; dropped++) {
        const bytes = pieces.shift()!.length;
        if (dropped >= headPieces) windowBytes -= bytes;
        else {
          heldBytes -= bytes;
          memory.giveBack(bytes);
        }
      }
      return windowBytes;
    },
    async free() {
      memory.giveBack(heldBytes);
      heldBytes = 0;
      pieces.length = 0;
      await spill?.close();
    },
  };
}
