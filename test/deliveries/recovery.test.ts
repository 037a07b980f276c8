import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { keyOf } from "../../src/base/model.js";
import { createDeliveryLog, DELIVERY_TABLES } from "../../src/deliveries/log.js";
import { createRecovery, type RecoveryPorts } from "../../src/deliveries/recovery.js";
import type { DeliveryPage, LoggedDelivery } from "../../src/github/api.js";
import { openStore } from "../../src/store/database.js";
import { createFacts, FACT_TABLES } from "../../src/store/facts.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const PAGE = 5;
const A_MINUTE = 4;

/**
 * A fake of GitHub's log, a Lockstep that received all but the lost deliveries, and the reader of the log.
 */
function setUp(over: Partial<RecoveryPorts> = {}) {
  const store = openStore(tempDir(), [FACT_TABLES, DELIVERY_TABLES]);
  afterThis(async () => store.close());
  const clock = { now: 1_800_000_000_000 };
  const deliveries = createDeliveryLog(store, () => clock.now);
  const logged: LoggedDelivery[] = [];
  const github = {
    pagesUntilDown: Number.POSITIVE_INFINITY,
    refuses: new Map<number, RefreshError>(),
    /** Pages at and below this cursor get a server error. */
    brokenBelow: -1,
    /** The lead of GitHub's clock over the local one. */
    aheadMs: 0,
    /** Whether the first page is empty without being the last one. */
    beginsEmpty: false,
  };

  const take = ({ guid: id, event, action }: LoggedDelivery, via: "webhook" | "recovered") =>
    deliveries.ignored({ id, event, action, receivedAt: clock.now, via }, "a test");

  function deliver(isLost: boolean): void {
    const id = logged.length + 1;
    const about = { event: "push", action: null, installationId: 1, repositoryId: 7 };
    logged.push({
      ...about,
      id,
      guid: `delivery-${id}`,
      deliveredAt: clock.now + github.aheadMs,
      statusCode: isLost ? 502 : 202,
    });
    if (!isLost) take(logged.at(-1)!, "webhook");
  }

  async function page(cursor: string | null): Promise<DeliveryPage> {
    if (github.pagesUntilDown-- <= 0) throw new RefreshError("unreachable", "it is down");
    if (cursor === null && github.beginsEmpty)
      return { deliveries: [], next: String(logged.length), at: clock.now + github.aheadMs };
    if (cursor !== null && Number(cursor) <= github.brokenBelow)
      throw new RefreshError("upstream_error", "GitHub's API answered 502");
    const before = cursor === null ? logged.length : Number(cursor);
    const from = Math.max(0, before - PAGE);
    const next = from === 0 ? null : String(from);
    return { deliveries: logged.slice(from, before).reverse(), next, at: clock.now + github.aheadMs };
  }

  async function payloadOf(id: number): Promise<unknown> {
    const error = github.refuses.get(id);
    if (error) throw error;
    return null;
  }

  const recovery = () =>
    createRecovery({
      github: { deliveries: page, payloadOf, usage: () => ({ limits: [] }) },
      ...{ facts: createFacts(store), store, deliveries, mode: "webhook", windowMs: 3 * DAY },
      ...{ repositories: () => true, refs: () => true, wikis: true, wake: () => {}, reportExpired: () => {} },
      isCaredFor: () => true,
      persist({ id }) {
        take(logged.find(({ guid }) => guid === id)!, "recovered");
        return "accepted";
      },
      now: () => clock.now,
      clock: () => clock.now,
      log: { info: () => {}, warn: () => {} },
      ...over,
    });
  const unread = () => logged.map(({ guid }) => guid).filter((guid) => !deliveries.isKnown(guid));
  return { store, clock, github, deliveries, deliver, recovery, unread };
}

interface Step {
  minutes: number;
  /** The positions of lost deliveries, counted back from the last one. */
  lost: number[];
  /** GitHub fails after this many pages; null means never. */
  pagesUntilDown: number | null;
  restarts: boolean;
}

const near = fc.nat(PAGE - 1);
const anyStep = fc.record<Step>({
  minutes: fc.integer({ min: 1, max: 40 }),
  lost: fc.array(fc.nat(40 * A_MINUTE), { maxLength: 3 }),
  pagesUntilDown: fc.option(fc.nat(3), { freq: 1 }),
  restarts: fc.nat(7).map((n) => n === 0),
});
/** Short enough after the last reading that the next one is not deep. */
const soon = fc.record<Step>({
  minutes: fc.integer({ min: 1, max: 3 }),
  lost: fc.array(near, { maxLength: 1 }),
  pagesUntilDown: fc.option(fc.constant(1), { freq: 1 }),
  restarts: fc.constant(false),
});
const step = fc.oneof(anyStep, soon);

/** Lets time pass, and then reads the log. */
async function live(steps: Step[]): Promise<string[]> {
  const { store, clock, github, deliver, recovery, unread } = setUp();
  let reader = recovery();
  await reader.run();
  for (const { minutes, lost, pagesUntilDown, restarts } of steps) {
    store.transaction(() => {
      for (let left = minutes * A_MINUTE - 1; left >= 0; left -= 1) {
        clock.now += MINUTE / A_MINUTE;
        deliver(lost.includes(left));
      }
    });
    if (restarts) reader = recovery();
    github.pagesUntilDown = pagesUntilDown ?? Number.POSITIVE_INFINITY;
    await reader.run();
  }
  return unread();
}

const minutes = (n: number, over: Partial<Step> = {}): Step => ({
  ...{ minutes: n, lost: [], pagesUntilDown: null, restarts: false, ...over },
});
/** Lets interrupted readings continue, and then reads all the way back. */
const atRest = [minutes(5), minutes(5), minutes(5)];

/** A short reading is interrupted, and continues an hour later. */
const brokenOff = [
  minutes(30),
  minutes(1, { lost: [0], pagesUntilDown: 1 }),
  minutes(20, { pagesUntilDown: 0 }),
  minutes(40, { lost: [159], pagesUntilDown: 0 }),
];

test("a short reading that was interrupted and resumed leaves nothing unread below the watermark", async () => {
  expect(await live([...brokenOff, minutes(1), minutes(1)])).toEqual([]);
});

test("whenever GitHub fails and Lockstep restarts, every lost delivery is found in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      expect(await live([...steps, ...atRest])).toEqual([]);
    }),
    { numRuns: 50, examples: [[[...brokenOff, ...[1, 1, 30, 30].map((n) => minutes(n))]]] },
  );
});

test("pull: an error that is not about one delivery interrupts the reading", async () => {
  for (const code of ["rate_limited", "unreachable", "tls", "unauthorized"] as const) {
    const { github, deliver, recovery, unread } = setUp({ mode: "pull" });
    const reader = recovery();
    await reader.run();
    for (let n = 0; n < 3; n += 1) deliver(true);
    github.refuses.set(2, new RefreshError(code, "of all calls"));
    await reader.run();
    expect(unread()).toHaveLength(3);
    expect(reader.state().error).toMatchObject({ code });
    github.refuses.clear();
    await reader.run();
    expect(unread()).toEqual([]);
  }
});

test("pull: a delivery whose call always breaks the connection blocks the others only once", async () => {
  const { github, deliver, recovery, unread } = setUp({ mode: "pull" });
  const reader = recovery();
  await reader.run();
  for (let n = 0; n < 4; n += 1) deliver(true);
  for (const id of [2, 3]) github.refuses.set(id, new RefreshError("unreachable", "ECONNRESET"));
  await reader.run();
  await reader.run();
  expect(unread()).toHaveLength(4);
  await reader.run();
  expect(unread()).toEqual([]);
  expect(reader.state().error).toBeNull();
});

test("a long reading is no longer unread once GitHub answers with a page, and the newest call is known", async () => {
  const errors: unknown[] = [];
  const { github, clock, deliver, recovery } = setUp({ wake: () => void errors.push(reader.state().error) });
  const reader = recovery();
  await reader.run();
  clock.now += MINUTE;
  for (let n = 0; n < 3 * PAGE; n += 1) deliver(true);
  github.pagesUntilDown = 0;
  await reader.run();
  expect(reader.state().error).toMatchObject({ code: "unreachable" });
  github.pagesUntilDown = Number.POSITIVE_INFINITY;
  await reader.run();
  // The end of each page wakes the runner: the first page of three has already proven that the log can be read.
  expect(errors).toEqual([null, null, null]);
  expect(reader.state().newest).toEqual({ at: clock.now, status: 502 });
});

test("a page without entries ends neither a deep nor a short reading, unless it is the last", async () => {
  const { github, clock, deliver, recovery, unread } = setUp();
  const reader = recovery();
  await reader.run();
  github.beginsEmpty = true;
  for (const afterMs of [30 * MINUTE, 1 * MINUTE]) {
    clock.now += afterMs;
    deliver(true);
    await reader.run();
    expect(unread()).toEqual([]);
    expect(reader.state()).toMatchObject({ error: null, reading: null });
  }
});

test("a page that leads to itself ends the reading as a failure", async () => {
  const deliveries = async () => ({ deliveries: [], next: "1", at: Date.now() });
  const { recovery } = setUp({
    github: { deliveries, payloadOf: async () => null, usage: () => ({ limits: [] }) },
  });
  const reader = recovery();
  await reader.run();
  expect(reader.state().error).toMatchObject({ code: "upstream_error" });
});

test("expiry is judged by GitHub's clock, however wrong the local one is", async () => {
  for (const aheadMs of [-4 * DAY, 4 * DAY]) {
    const reportExpired = vi.fn();
    const { github, clock, deliver, recovery, unread } = setUp({ reportExpired });
    github.aheadMs = aheadMs;
    const reader = recovery();
    const later = async (ms: number) => {
      clock.now += ms;
      deliver(true);
      await reader.run();
      expect(unread()).toEqual([]);
    };
    await reader.run();
    // This reading is the first start's.
    expect(reportExpired).toHaveBeenCalledTimes(1);
    for (let n = 0; n < 3; n += 1) await later(10 * MINUTE);
    expect(reportExpired).toHaveBeenCalledTimes(1);
    await later(3 * DAY + MINUTE);
    expect(reportExpired).toHaveBeenCalledTimes(2);
  }
});

test("after GitHub's clock was ahead, everything is compared and the log is read all the way back", async () => {
  const reportExpired = vi.fn();
  const { github, clock, deliver, recovery, unread } = setUp({ reportExpired });
  github.aheadMs = DAY;
  await recovery().run();
  github.aheadMs = 0;
  clock.now += 20 * MINUTE;
  for (let n = 0; n < 3 * PAGE; n += 1) deliver(n === 0);
  const reader = recovery();
  await reader.run();
  expect(unread()).toEqual([]);
  expect(reportExpired).toHaveBeenCalledTimes(2);
  clock.now += 20 * MINUTE;
  await reader.run();
  expect(reportExpired).toHaveBeenCalledTimes(2);
});

test("a page that GitHub never serves is skipped: everything is compared once, and newer pages are read", async () => {
  const reportExpired = vi.fn();
  const { github, clock, deliver, recovery, unread } = setUp({ reportExpired });
  await recovery().run();
  reportExpired.mockClear();
  const later = async () => {
    clock.now += MINUTE;
    deliver(true);
    const reader = recovery();
    await reader.run();
    return { left: unread().length, compared: reportExpired.mock.calls.length, ...reader.state() };
  };
  clock.now += MINUTE;
  for (let n = 0; n < 3 * PAGE; n += 1) deliver(true);
  github.brokenBelow = 2 * PAGE + 1;
  const first = await later();
  expect(first.error).toMatchObject({ code: "upstream_error" });
  for (let failed = 2; failed < 5; failed += 1)
    expect(await later()).toMatchObject({ left: first.left + failed - 1, compared: 0 });
  // These are all deliveries except those on that page and beyond.
  const behind = first.left;
  expect(await later()).toMatchObject({ left: behind, compared: 1, error: null, reading: null });
  for (let n = 0; n < 30; n += 1)
    expect(await later()).toMatchObject({ left: behind, compared: 1, error: null, reading: null });
});

test("while all of GitHub fails no page is skipped", async () => {
  const reportExpired = vi.fn();
  const { github, clock, deliver, recovery, unread } = setUp({ reportExpired });
  const reader = recovery();
  await reader.run();
  reportExpired.mockClear();
  clock.now += 30 * MINUTE;
  for (let n = 0; n < 3 * PAGE; n += 1) deliver(true);
  github.pagesUntilDown = 1;
  for (let n = 0; n < 20; n += 1) await reader.run();
  github.pagesUntilDown = Number.POSITIVE_INFINITY;
  await reader.run();
  expect(unread()).toEqual([]);
  expect(reportExpired).not.toHaveBeenCalled();
});

test.each([
  ["was given up is requested again, once", false, 1],
  ["still waits is left alone", true, 0],
])("a delivery that arrived and whose request %s", async (_, isCaredFor, times) => {
  const requested: string[] = [];
  const world = setUp({
    isCaredFor: (subject) => isCaredFor || requested.includes(subject),
    persist: ({ id }, { subject }) => {
      requested.push(keyOf(subject));
      expect(id).toBe("delivery-1");
      return "accepted";
    },
  });
  world.deliver(true);
  const about = {
    id: "delivery-1",
    event: "push",
    action: null,
    receivedAt: world.clock.now,
    via: "webhook",
  } as const;
  world.deliveries.accepted(about, { kind: "repository", id: 7 }, 1, "refs/heads/main");
  for (let n = 0; n < 2; n++) await world.recovery().run();
  expect(requested).toHaveLength(times);
});

test("who asks for a deep reading while another one is under way gets it with the next one", async () => {
  const { deliver, recovery, unread } = setUp();
  const reader = recovery();
  deliver(false);
  await reader.run();
  deliver(true);
  for (let n = 0; n < 2 * PAGE; n++) deliver(false);
  const running = reader.run();
  reader.goBack();
  await running;
  expect(unread()).toHaveLength(1);
  await reader.run();
  expect(unread()).toEqual([]);
});
