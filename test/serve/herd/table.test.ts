import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createSpillSpace } from "../../../src/serve/herd/spill.js";
import { createHerd } from "../../../src/serve/herd/table.js";
import { tempDir } from "../../support/temp.js";

const MiB = 2 ** 20;
const PIECE = 64 * 1024;

interface Options {
  maxAnswers?: number;
  maxBytes?: number;
  maxMemory?: number;
  keepMs?: number;
}

function opened({ maxBytes = 1024 * MiB, ...options }: Options = {}) {
  const dir = tempDir();
  const spills = createSpillSpace({ dir, maxBytes, hasRoom: () => true });
  const herd = createHerd({ spills, ...options });
  onTestFinished(herd.close);
  return { herd, dir };
}

/** Counts how often an answer is produced, and how far. */
function producer(bytes: number) {
  const made = { runs: 0, bytes: 0, aborted: 0 };
  const produce = async (signal: AbortSignal) => {
    made.runs += 1;
    signal.addEventListener("abort", () => (made.aborted += 1));
    const pieces = function* () {
      for (let at = 0; at < bytes; at += PIECE) {
        made.bytes += PIECE;
        yield Buffer.alloc(PIECE, at / PIECE);
      }
    };
    return Readable.from(pieces(), { objectMode: false, signal });
  };
  return { made, produce };
}

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const expected = (bytes: number) => {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes; at += PIECE) hash.update(Buffer.alloc(PIECE, at / PIECE));
  return hash.digest("hex");
};
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test.each([1, 20])("two hundred readers get one answer of %i MiB, which is produced once", async (size) => {
  const { herd, dir } = opened();
  const { made, produce } = producer(size * MiB);
  const readers = Array.from({ length: size > 1 ? 10 : 200 }, () => herd.answer("x", produce).stream);
  const bodies = await Promise.all(readers.map(async (reader) => digest(await buffer(reader))));
  expect(new Set(bodies)).toEqual(new Set([expected(size * MiB)]));
  expect(made.runs).toBe(1);
  expect(existsSync(dir) ? readdirSync(dir) : []).toEqual([]);
});

test("a reader who comes later gets the whole answer, and one who comes too late another", async () => {
  const { herd } = opened({ keepMs: 300 });
  const { made, produce } = producer(MiB);
  await buffer(herd.answer("x", produce).stream);
  const { stream, isShared } = herd.answer("x", produce);
  expect([isShared, digest(await buffer(stream))]).toEqual([true, expected(MiB)]);
  await expect.poll(() => herd.answer("x", produce).isShared).toBe(false);
  expect(made.runs).toBe(2);
});

test("a reader alone goes at its own pace, and nothing is written", async () => {
  const { herd, dir } = opened();
  const { made, produce } = producer(64 * MiB);
  const { stream } = herd.answer("x", produce);
  await expect.poll(() => made.bytes).toBeGreaterThan(8 * MiB);
  await nextTurn();
  const ahead = made.bytes;
  await nextTurn();
  expect([made.bytes, ahead < 12 * MiB]).toEqual([ahead, true]);
  expect(digest(await buffer(stream))).toBe(expected(64 * MiB));
  expect(existsSync(dir) ? readdirSync(dir) : []).toEqual([]);
});

test("the first of a crowd keeps the whole answer for those who are on their way", async () => {
  const { herd } = opened();
  const { made, produce } = producer(32 * MiB);
  const first = herd.answer("x", produce, () => true);
  await expect.poll(() => made.bytes).toBeGreaterThan(16 * MiB);
  const second = herd.answer("x", produce);
  expect(second.isShared).toBe(true);
  const bodies = await Promise.all([first, second].map(async ({ stream }) => digest(await buffer(stream))));
  expect([bodies, made.runs]).toEqual([[expected(32 * MiB), expected(32 * MiB)], 1]);
});

test("a slow reader holds up nobody while the file can grow", async () => {
  const { herd } = opened();
  const { produce } = producer(32 * MiB);
  const slow = herd.answer("x", produce).stream;
  const fast = herd.answer("x", produce).stream;
  expect(digest(await buffer(fast))).toBe(expected(32 * MiB));
  expect(digest(await buffer(slow))).toBe(expected(32 * MiB));
});

test.each([0, 4 * MiB])(
  "where the file cannot grow beyond %i bytes, everybody still gets everything",
  async (maxBytes) => {
    const { herd } = opened({ maxBytes });
    const { made, produce } = producer(32 * MiB);
    const readers = [1, 2, 3].map(() => herd.answer("x", produce).stream);
    const late = herd.answer("x", produce).stream;
    await expect.poll(() => made.bytes).toBeGreaterThan(8 * MiB + maxBytes);
    // Nobody has read, so the producer waits for all.
    await nextTurn();
    expect(made.bytes).toBeLessThan(16 * MiB);
    expect(herd.answer("x", produce).isShared).toBe(false);
    const bodies = await Promise.all([...readers, late].map(async (reader) => digest(await buffer(reader))));
    expect(new Set(bodies)).toEqual(new Set([expected(32 * MiB)]));
  },
);

test("a reader who leaves harms nobody, and the last one ends the producer", async () => {
  const { herd } = opened({ maxBytes: 0 });
  const { made, produce } = producer(32 * MiB);
  const [leaver, stayer] = [herd.answer("x", produce).stream, herd.answer("x", produce).stream];
  leaver.once("data", () => leaver.destroy());
  expect(digest(await buffer(stayer))).toBe(expected(32 * MiB));
  const last = herd.answer("y", produce).stream;
  last.once("data", () => last.destroy());
  await expect.poll(() => made.aborted).toBe(2);
});

test("a producer that dies ends nobody's answer as if it were whole, and leaves nothing", async () => {
  const { herd } = opened();
  const source = new PassThrough();
  const readers = [1, 2].map(() => herd.answer("x", async () => source).stream);
  const bodies = readers.map((reader) => buffer(reader));
  source.write(Buffer.alloc(100));
  await nextTurn();
  source.destroy(new Error("git died"));
  for (const body of bodies) await expect(body).rejects.toThrow("git died");
  const { produce } = producer(MiB);
  expect(herd.answer("x", produce).isShared).toBe(false);
});

test("a producer that cannot start is an error for all who wait", async () => {
  const { herd } = opened();
  const fail = async () => {
    throw new Error("too many");
  };
  const bodies = [1, 2].map(() => buffer(herd.answer("x", fail).stream));
  for (const body of bodies) await expect(body).rejects.toThrow("too many");
});

test("heads share their memory: an answer nobody follows makes room, and without room nothing is kept", async () => {
  const { herd } = opened({ maxMemory: 4 * MiB });
  const small = producer(3 * MiB);
  await buffer(herd.answer("a", small.produce).stream);
  await buffer(herd.answer("b", small.produce).stream);
  expect(herd.answer("a", small.produce).isShared).toBe(false);
  const large = producer(6 * MiB);
  expect(digest(await buffer(herd.answer("c", large.produce).stream))).toBe(expected(6 * MiB));
});

test("so many answers are kept, and the oldest go first", async () => {
  const { herd } = opened({ maxAnswers: 2 });
  const { produce } = producer(PIECE);
  for (const key of ["a", "b", "c"]) await buffer(herd.answer(key, produce).stream);
  expect(["c", "b", "a"].map((key) => herd.answer(key, produce).isShared)).toEqual([true, true, false]);
});

test("a stop ends what is followed with an error", async () => {
  const { herd } = opened();
  const { produce } = producer(32 * MiB);
  const { stream } = herd.answer("x", produce);
  await nextTurn();
  herd.close();
  await expect(buffer(stream)).rejects.toThrow();
});
