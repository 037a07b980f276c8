import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { createDrawings } from "../../../src/http/page/drawings.js";

function open() {
  const changed = new EventEmitter();
  const clock = { now: 0 };
  const drawings = createDrawings<number>({ changed, clock: () => clock.now });
  const drawn: string[] = [];
  const ask = (address: string) => drawings.of(address, async () => drawn.push(address));
  return { changed, clock, drawings, drawn, ask };
}

test("however many ask for a page, it is drawn once until something changes", async () => {
  const { changed, clock, drawn, ask } = open();
  expect(await Promise.all(Array.from({ length: 100 }, () => ask("/")))).toEqual(Array(100).fill(1));
  expect(await ask("/")).toBe(1);
  changed.emit("event");
  expect(await Promise.all([ask("/"), ask("/")])).toEqual([2, 2]);
  clock.now += 999;
  expect(await ask("/")).toBe(2);
  clock.now += 1;
  expect(await ask("/")).toBe(3);
  expect(drawn).toEqual(["/", "/", "/"]);
});

test("in a storm of changes, pages are drawn one after the other with a pause, and what waits is drawn once", async () => {
  const { changed, drawn, ask } = open();
  const asked: Promise<number>[] = [];
  for (let n = 0; n < 200; n++) {
    changed.emit("event");
    asked.push(ask("/"), ask("/server"));
  }
  const began = performance.now();
  await Promise.all(asked);
  expect(drawn).toEqual(["/", "/server", "/"]);
  expect(performance.now() - began).toBeGreaterThan(90);
});

test("what cannot be drawn fails for all who wait, and is tried again for the next", async () => {
  const { drawings } = open();
  const fails = () => Promise.reject(new Error("no disk"));
  const both = await Promise.allSettled([drawings.of("/", fails), drawings.of("/", fails)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await drawings.of("/", async () => 7)).toBe(7);
});

test("of many addresses only the last are remembered", async () => {
  const { drawn, ask } = open();
  // The pause between drawings makes this one take a while.
  for (let n = 0; n <= 32; n++) await ask(`/repos/acme/${n}`);
  await ask("/repos/acme/32");
  expect(drawn).toHaveLength(33);
  await ask("/repos/acme/0");
  expect(drawn).toHaveLength(34);
});
