import { setMaxListeners } from "node:events";
import { expect, test } from "vitest";
import { type BringPorts, createBring } from "../../src/serve/bring.js";
import { createSlots } from "../../src/serve/slots.js";

const never = new AbortController().signal;
setMaxListeners(0, never);
const A = "a".repeat(40);
const B = "b".repeat(40);
const C = "c".repeat(40);

/** A mirror that has another writer until `free` is called. */
function busyMirror({ patienceMs = 60_000, slots = 4 } = {}) {
  const fetched: string[][] = [];
  const failed: unknown[] = [];
  const turns: (() => void)[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const stopping = new AbortController();
  const ports: BringPorts = {
    async fetch(_, objects) {
      await new Promise<void>((resolve) => turns.push(resolve));
      const wants = [...objects()];
      fetched.push(wants);
      await new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())));
      return new Set(wants.filter((it) => it !== C));
    },
    slots: createSlots({ running: slots, waiting: 10 }),
    onFailed: (_, error) => void failed.push(error),
  };
  const { bring, isComing } = createBring(ports, stopping.signal, patienceMs);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    fetched,
    failed,
    stopping,
    isComing: (object: string) => isComing(7, object),
    bring: (...objects: string[]) => bring(7, objects, never),
    async free() {
      await settled();
      turns.shift()!();
      await settled();
    },
    async end(error?: Error) {
      ends.shift()!(error);
      await settled();
    },
  };
}

test("whoever comes before the turn joins one fetch, and whoever comes later wants the same joins it, too", async () => {
  const { bring, free, end, fetched, isComing } = busyMirror();
  const first = [bring(A), bring(B), bring(A, B)];
  await free();
  const late = [bring(B), bring(C)];
  expect([A, B, C].map(isComing)).toEqual([true, true, true]);
  await end();
  expect([A, B, C].map(isComing)).toEqual([false, false, true]);
  expect(await Promise.all([...first, late[0]])).toEqual([true, true, true, true]);
  await free();
  await end();
  expect(await late[1]).toBe(false); // GitHub does not give it any more.
  expect(fetched).toEqual([[A, B], [C]]);
});

test("a reader who waits too long goes to GitHub, and the fetch goes on", async () => {
  const { bring, free, end, fetched } = busyMirror({ patienceMs: 1 });
  expect(await bring(A)).toBe(false);
  await free();
  expect(fetched).toEqual([[A]]);
  await end();
});

test("after a failure GitHub answers for a while", async () => {
  const { bring, free, end, failed } = busyMirror();
  const first = bring(A);
  await free();
  await end(new Error("fails"));
  expect(await first).toBe(false);
  expect(await bring(A)).toBe(false);
  expect(failed).toMatchObject([{ message: "fails" }]);
});

test("no more objects are fetched at a time than fit into one request", async () => {
  const { bring, free, end, fetched } = busyMirror();
  const all = Array.from({ length: 60 }, (_, n) => bring(n.toString(16).padStart(40, "0")));
  expect(await all.at(-1)).toBe(false);
  await free();
  await end();
  expect(fetched[0]).toHaveLength(50);
});

test("a stop is no failure", async () => {
  const { bring, free, end, failed, stopping } = busyMirror();
  const first = bring(A);
  await free();
  stopping.abort();
  await end(new Error("was ended"));
  expect([await first, failed]).toEqual([false, []]);
});
