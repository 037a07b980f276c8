import { setMaxListeners } from "node:events";
import { expect, test } from "vitest";
import { createWriters } from "../../../src/git/mirror/writers.js";

const never = new AbortController().signal;
setMaxListeners(0, never);

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test("one writer of a repository at a time, in the order of the calls; repositories are independent", async () => {
  const { write } = createWriters();
  const { open, opened } = gate();
  const order: string[] = [];
  const act = (name: string, until?: Promise<void>) => async () => {
    order.push(`${name} begins`);
    await until;
    order.push(`${name} ends`);
  };
  const all = [write(1, never, act("a", opened)), write(1, never, act("b"))];
  await write(2, never, act("other"));
  expect(order).toEqual(["a begins", "other begins", "other ends"]);
  open();
  await Promise.all(all);
  expect(order.slice(3)).toEqual(["a ends", "b begins", "b ends"]);
});

test("who gives up while waiting lets nobody overtake, and a writer that fails holds nobody up", async () => {
  const { write } = createWriters();
  const { open, opened } = gate();
  const abort = new AbortController();
  const order: string[] = [];
  const first = write(1, never, async () => {
    await opened;
    order.push("first");
    throw new Error("fails");
  });
  const second = write(1, abort.signal, async () => void order.push("second"));
  const third = write(1, never, async () => void order.push("third"));
  abort.abort(new Error("gave up"));
  await expect(second).rejects.toThrow("gave up");
  open();
  await expect(first).rejects.toThrow("fails");
  await third;
  expect(order).toEqual(["first", "third"]);
});

test("others go before a writer that can wait, though not for ever", async () => {
  const { write } = createWriters();
  const { open, opened } = gate();
  const order: string[] = [];
  const note = (name: string) => async () => void order.push(name);
  const first = write(1, never, () => opened);
  const all = [write(1, never, note("backstop"), { canWait: true })];
  for (let n = 1; n <= 10; n++) all.push(write(1, never, note(`reader ${n}`)));
  open();
  await Promise.all([first, ...all]);
  expect(order.indexOf("backstop")).toBe(8);
  expect(order.filter((name) => name !== "backstop")).toEqual(
    Array.from({ length: 10 }, (_, n) => `reader ${n + 1}`),
  );
});

test("a visit waits for a writer at work, not for one that waits for GitHub, which goes on after the visit", async () => {
  const { write, visit, lend } = createWriters();
  const [atWork, answered, visited] = [gate(), gate(), gate()];
  const order: string[] = [];
  const note = (name: string) => async () => void order.push(name);
  const writer = write(1, never, async () => {
    await atWork.opened;
    order.push("asks GitHub");
    await lend(1, () => answered.opened);
    order.push("changes refs");
  });
  const next = write(1, never, note("next writer"));
  await new Promise(setImmediate);
  const first = visit(1, never, note("first visit"));
  await visit(2, never, note("visit of another repository"));
  atWork.open();
  await first;
  const second = visit(1, never, async () => {
    await visited.opened;
    order.push("second visit");
  });
  answered.open();
  await new Promise(setImmediate);
  visited.open();
  await Promise.all([writer, next, second]);
  expect(order).toEqual([
    "visit of another repository",
    "asks GitHub",
    "first visit",
    "second visit",
    "changes refs",
    "next writer",
  ]);
});

test("a writer whose wait fails has the mirror to itself again, and who gives up a visit leaves the line", async () => {
  const { write, visit, lend } = createWriters();
  const { open, opened } = gate();
  const order: string[] = [];
  const writer = write(1, never, async () => {
    await lend(1, () => Promise.reject(new Error("no answer"))).catch(() => order.push("failed"));
    await opened;
    order.push("ends");
  });
  await new Promise(setImmediate);
  const abort = new AbortController();
  const given = visit(1, abort.signal, async () => void order.push("given up"));
  const last = visit(1, never, async () => void order.push("visit"));
  abort.abort(new Error("gave up"));
  await expect(given).rejects.toThrow("gave up");
  open();
  await Promise.all([writer, last]);
  expect(order).toEqual(["failed", "ends", "visit"]);
});
