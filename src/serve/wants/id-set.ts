import { randomInt } from "node:crypto";

/** An object name in SHA-1, in bytes. */
const ID_BYTES = 20;
const FIRST_SLOTS = 64;
/** Many small tables grow one by one, so that growing never takes long enough to block other work. */
const TABLES = 64;

/** A set of object names that takes some 60 bytes for each, where a Set of strings takes twice as much. */
export interface IdSet {
  /** @param id 40 hexadecimal digits */
  add(id: string): void;
  has(id: string): boolean;
  readonly size: number;
  /** The memory that the set takes, in bytes. */
  readonly bytes: number;
}

const EMPTY = Buffer.alloc(ID_BYTES);

export function createIdSet(): IdSet {
  const tables = Array.from({ length: TABLES }, () => Buffer.alloc(FIRST_SLOTS * ID_BYTES));
  const sizes = new Uint32Array(TABLES);
  const asked = Buffer.alloc(ID_BYTES);
  // Nobody can choose objects whose names all have the same place.
  const factor = randomInt(2 ** 31) * 2 + 1;
  const placeOf = (id: Buffer) => (Math.imul(id.readUInt32LE(0), factor) >>> 0) / 2 ** 32;
  const tableOf = (place: number) => Math.floor(place * TABLES);

  /** @returns where the id is, or where it would be */
  function find(table: Buffer, id: Buffer): number {
    const slots = table.length / ID_BYTES;
    const within = placeOf(id) * TABLES;
    for (let slot = Math.floor((within % 1) * slots); ; slot = (slot + 1) % slots) {
      const at = slot * ID_BYTES;
      if (isFree(table, at) || table.compare(id, 0, ID_BYTES, at, at + ID_BYTES) === 0) return at;
    }
  }

  function grow(n: number): void {
    const table = tables[n]!;
    const wider = Buffer.alloc(table.length * 2);
    for (let at = 0; at < table.length; at += ID_BYTES) {
      const id = table.subarray(at, at + ID_BYTES);
      if (!isFree(table, at)) id.copy(wider, find(wider, id));
    }
    tables[n] = wider;
  }

  return {
    add(id) {
      asked.write(id, "hex");
      const n = tableOf(placeOf(asked));
      const at = find(tables[n]!, asked);
      if (!isFree(tables[n]!, at)) return;
      asked.copy(tables[n]!, at);
      sizes[n]! += 1;
      if (sizes[n]! * 2 * ID_BYTES > tables[n]!.length) grow(n);
    },
    has(id) {
      asked.write(id, "hex");
      const table = tables[tableOf(placeOf(asked))]!;
      return !isFree(table, find(table, asked));
    },
    get size() {
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    get bytes() {
      return tables.reduce((sum, { length }) => sum + length, 0);
    },
  };
}

const isFree = (table: Buffer, at: number): boolean => EMPTY.compare(table, at, at + ID_BYTES) === 0;
