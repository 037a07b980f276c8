import { pino } from "pino";
import { expect, test } from "vitest";
import { BACKLOG_TABLES, createBacklog } from "../../src/announce/backlog.js";
import type { Consumer } from "../../src/announce/consumer.js";
import { offerEvents } from "../../src/announce/offer-events.js";
import { createOutbox } from "../../src/announce/outbox.js";
import { OUTBOX_TABLES } from "../../src/announce/outbox-sql.js";
import { hasToldHere, type ToldQuestion } from "../../src/announce/tellers.js";
import { openStore } from "../../src/store/database.js";
import { afterThis } from "../support/listen.js";
import { sha } from "../support/queue.js";
import { tempDir } from "../support/temp.js";

const APP = { id: 7, owner: "acme", name: "app" };
const [MAIN, SIDE] = ["refs/heads/main", "refs/heads/side"];
const URL = "webhook:1";
const MINUTE = 60_000;
const PUSHED_AT = 1_000_000;

/** A node that has the events of a repository, and another one that is to announce them to a URL. */
function twoNodes({ isShared = true, isTeller = false } = {}) {
  const store = openStore(tempDir(), [OUTBOX_TABLES, BACKLOG_TABLES]);
  afterThis(async () => store.close());
  const clock = { now: PUSHED_AT };
  const now = () => clock.now;
  const outbox = createOutbox({ store, now, mirrorOf: (id) => `/data/${id}` });
  const backlog = createBacklog(store, now);
  const [asked, delivered]: [ToldQuestion[], number[]] = [[], []];
  const told = { answer: false };
  const consumer: Consumer = {
    ...{ key: URL, shown: "https://ci.example.com", atATime: 1, isShared },
    parts: () => 1,
    deliver: async ({ id }) => void delivered.push(id),
  };
  const tellers = {
    isTeller: () => isTeller,
    async hasTold(question: ToldQuestion) {
      asked.push(question);
      return told.answer;
    },
  };
  const log = pino({ enabled: false });
  const ports = { consumer, outbox, backlog, tellers, log, now };
  const changed = async (ref: string, n: number) => {
    await outbox.intend(APP.id, "push", [{ ref, before: sha(n - 1), after: sha(n) }]);
    const [id] = outbox.publish(APP, "push");
    backlog.add(URL, APP.id, id!);
    return id!;
  };
  const signal = new AbortController().signal;
  const offer = () => offerEvents(ports, APP.id, { signal, isStopped: () => false });
  const isLeft = () => backlog.position(URL, APP.id) !== null;
  const ofHere = { consumers: [URL], outbox, backlog, now };
  return { clock, backlog, asked, told, delivered, changed, offer, isLeft, ofHere };
}

test("a URL hears at once from the node that announces, and a hook on each node from its own", async () => {
  for (const options of [{ isTeller: true }, { isShared: false }]) {
    const { changed, offer, delivered } = twoNodes(options);
    const id = await changed(MAIN, 1);
    await offer();
    expect(delivered).toEqual([id]);
  }
});

test("another node asks after a few seconds, and forgets what the URL has heard", async () => {
  const { clock, backlog, changed, offer, delivered, asked, told, isLeft } = twoNodes();
  await changed(MAIN, 1);
  await offer();
  expect([asked, backlog.nextDueIn(URL, new Set())]).toEqual([[], 5_000]);
  clock.now += 5_000;
  await offer();
  expect([asked.length, backlog.nextDueIn(URL, new Set())]).toEqual([1, 5_000]);
  clock.now = PUSHED_AT + MINUTE - 1;
  await offer();
  expect([delivered, backlog.nextDueIn(URL, new Set())]).toEqual([[], 1]);
  told.answer = true;
  await offer();
  expect(asked.at(-1)).toEqual({
    ...{ consumer: URL, repositoryId: APP.id, ageMs: MINUTE - 1 },
    states: [[`changed ${MAIN}`, sha(1)]],
  });
  expect([delivered, isLeft()]).toEqual([[], false]);
});

test("what the other node has not told after a minute, this one tells", async () => {
  const { clock, changed, offer, delivered, isLeft } = twoNodes();
  const id = await changed(MAIN, 1);
  clock.now += MINUTE;
  await offer();
  expect([delivered, isLeft()]).toEqual([[id], false]);
});

test("a ref that has moved on is told with its last value alone", async () => {
  const { clock, changed, offer, delivered, asked } = twoNodes();
  await changed(MAIN, 1);
  const side = await changed(SIDE, 5);
  const last = await changed(MAIN, 2);
  clock.now += MINUTE;
  await offer();
  expect(delivered).toEqual([side, last]);
  expect(asked.map(({ states }) => states)).toEqual([
    [[`changed ${SIDE}`, sha(5)]],
    [[`changed ${MAIN}`, sha(2)]],
  ]);
});

test("after a clock was set back, an event that seems to be of the future does not wait for it", async () => {
  const { clock, changed, offer, delivered } = twoNodes();
  const id = await changed(MAIN, 1);
  clock.now -= 60 * MINUTE;
  await offer();
  expect(delivered).toEqual([id]);
});

test("the node that announces knows what it has told, and what its mirror had when all was told", async () => {
  const { ofHere, changed, offer, told, clock } = twoNodes({ isTeller: true });
  const states: ToldQuestion["states"] = [[`changed ${MAIN}`, sha(2)]];
  const question = { consumer: URL, repositoryId: APP.id, states, ageMs: 1_000 };
  const has = (provenAt: number | null = null, more: Partial<ToldQuestion> = {}) =>
    hasToldHere(ofHere, { ...question, ...more }, provenAt);
  told.answer = true;
  expect(has()).toBe(false);
  await changed(MAIN, 1);
  await offer();
  await changed(MAIN, 2);
  expect(has(), "not accepted yet").toBe(false);
  expect(has(clock.now), "not accepted yet, though proven").toBe(false);
  await offer();
  expect(has()).toBe(true);
  expect(has(null, { consumer: "webhook:2" }), "a URL that only the other node has").toBe(false);
  const other = { states: [[`changed ${SIDE}`, sha(3)]] as ToldQuestion["states"] };
  expect(has(clock.now - 1_001, other), "proven before the other node noticed it").toBe(false);
  expect(has(clock.now - 1_000, other), "came and went before the comparison").toBe(true);
  await changed(MAIN, 3);
  await offer();
  expect(has(), "went there and on, and perhaps back").toBe(false);
});
