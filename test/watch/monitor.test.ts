import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import type { RecoveryState } from "../../src/deliveries/recovery.js";
import type { DiskState } from "../../src/machine/disk.js";
import { createInstallations, INSTALLATION_TABLES } from "../../src/registry/installations.js";
import { REGISTRY_TABLES } from "../../src/registry/tables.js";
import { openStore } from "../../src/store/database.js";
import { createFacts, FACT_TABLES } from "../../src/store/facts.js";
import { createWatch, type WatchPorts } from "../../src/watch/monitor.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UNREAD: RecoveryState = { readAt: null, upTo: null, error: null, newest: null, reading: null };

function setUp(over: Partial<WatchPorts> = {}) {
  const store = openStore(tempDir(), [REGISTRY_TABLES, FACT_TABLES, INSTALLATION_TABLES]);
  afterThis(async () => store.close());
  /** Time that passes, and by how much the wall clock was set meanwhile. */
  const clock = { now: 1_000_000_000, setBy: 0 };
  const disk: { full: DiskState["full"]; fault: string | null } = { full: null, fault: null };
  /** Since when servers are out. */
  const outages = new Map<string, number>();
  const held: { until: number } = { until: 0 };
  const now = () => clock.now + clock.setBy;
  const lines: [string, string, object][] = [];
  const recovery: { state: RecoveryState } = {
    state: { ...UNREAD },
  };
  const calls: { at: number | null } = { at: null };
  const installations = createInstallations(store, now);
  const watch = createWatch({
    ...{ installations, facts: createFacts(store), now, intervalMs: 5 * MINUTE, deliverySource: "webhook" },
    disk: { state: () => ({ freeBytes: 1, totalBytes: 2, low: false, full: disk.full, hasReserve: true }) },
    probeStore() {
      if (disk.fault) throw new Error(disk.fault);
    },
    limits: () => [{ whose: "app", heldUntil: held.until }],
    clock: () => clock.now,
    outages: () => [...outages].map(([server, at]) => ({ server, ms: clock.now - at })),
    recovery: () => recovery.state,
    lastDeliveryAt: () => calls.at,
    consumers: () => [],
    maintenance: () => ({ waiting: 0, oldestMs: 0 }),
    unreadProperties: () => [],
    log: {
      warn: (details, message) => void lines.push(["warn", message, details]),
      info: (details, message) => void lines.push(["info", message, details]),
    },
    ...over,
  });
  const codes = () => watch.problems().map(({ code }) => code);
  return { watch, clock, lines, recovery, calls, installations, codes, disk, held, outages };
}

test("custom properties that cannot be read are a problem, with what to do", () => {
  const unread = {
    installationId: 7,
    owner: "acme",
    since: 5,
    code: "forbidden",
    message: "GitHub's API answered 422",
  };
  const { watch } = setUp({ unreadProperties: () => [unread] });
  expect(watch.problems()).toEqual([
    {
      code: "properties_unread",
      since: 5,
      installationId: 7,
      detail:
        "the custom properties of acme's repositories could not be read (forbidden): GitHub's API answered 422",
      remedy: expect.stringContaining("Custom properties: read-only"),
    },
  ]);
});

test("there is no problem at first, nor after a pass that ended in time", () => {
  const { watch, clock, codes } = setUp();
  expect(codes()).toEqual([]);
  clock.now += 10 * MINUTE;
  watch.passed(null, 0);
  clock.now += 10 * MINUTE;
  expect(codes()).toEqual([]);
});

test("a backstop that fails or never runs is a problem with a remedy, unless it is off", () => {
  const { watch, clock, codes } = setUp();
  watch.passed(new RefreshError("unreachable", "GitHub's API: ECONNREFUSED"), 0);
  expect(watch.problems()).toMatchObject([
    { code: "backstop_failing", since: clock.now, remedy: expect.stringContaining("HTTPS_PROXY") },
  ]);
  watch.passed(null, 0);
  expect(codes()).toEqual([]);
  clock.now += 12 * MINUTE;
  expect(codes()).toEqual(["backstop_late"]);
  const off = setUp({ intervalMs: null });
  off.clock.now += 30 * 24 * 60 * MINUTE;
  expect(off.codes()).toEqual([]);
});

test("a push that no delivery reported counts against the webhook after a minute, until GitHub calls", () => {
  const { watch, clock, codes, calls } = setUp();
  calls.at = clock.now - MINUTE;
  watch.reportMissedPush(7, "acme/app");
  expect(codes()).toEqual([]);
  clock.now += 2 * MINUTE;
  expect(watch.problems()).toMatchObject([
    { code: "webhook_silent", detail: expect.stringContaining("acme/app") },
  ]);
  calls.at = clock.now;
  expect(codes()).toEqual([]);
});

test("a delivery that arrives within the minute prevents the problem", () => {
  const { watch, clock, codes } = setUp();
  watch.reportMissedPush(7, "acme/app");
  watch.noteDelivery(7);
  clock.now += 2 * MINUTE;
  expect(codes()).toEqual([]);
});

test("one lost delivery is forgotten after a day; without a webhook none is expected", () => {
  const { watch, clock, codes } = setUp();
  watch.reportMissedPush(7, "acme/app");
  clock.now += 2 * MINUTE;
  watch.passed(null, 0);
  expect(codes()).toEqual(["webhook_silent"]);
  clock.now += 24 * 60 * MINUTE;
  watch.passed(null, 0);
  expect(codes()).toEqual([]);
  const none = setUp({ deliverySource: null });
  none.watch.reportMissedPush(7, "acme/app");
  none.clock.now += 2 * MINUTE;
  expect(none.codes()).toEqual([]);
});

test("a delivery that arrives while the backstop finds its push prevents the problem", () => {
  const { watch, clock, codes } = setUp();
  watch.noteDelivery(7);
  clock.now += 500;
  watch.reportMissedPush(7, "acme/app", 500);
  clock.now += 2 * MINUTE;
  expect(codes()).toEqual([]);
  watch.reportMissedPush(7, "acme/app", 0);
  clock.now += 2 * MINUTE;
  expect(codes()).toEqual(["webhook_silent"]);
});

test("pull: a push missing from GitHub's log, once read a minute later, counts against the webhook", () => {
  const { watch, clock, recovery, codes, calls } = setUp({ deliverySource: "pull" });
  const readNow = () => {
    recovery.state = { ...UNREAD, readAt: clock.now, upTo: clock.now };
  };
  watch.reportMissedPush(7, "acme/app");
  readNow();
  clock.now += 2 * MINUTE;
  expect(codes()).toEqual([]);
  readNow();
  expect(watch.problems()).toMatchObject([
    {
      code: "webhook_silent",
      detail: expect.stringContaining("of the deliveries in GitHub's log there were none in 8 days"),
      remedy: expect.stringContaining("App's webhook"),
    },
  ]);
  calls.at = clock.now;
  expect(codes()).toEqual([]);
  watch.reportMissedPush(7, "acme/app");
  watch.noteDelivery(7);
  clock.now += 2 * MINUTE;
  readNow();
  expect(codes()).toEqual([]);
});

test("an installation's suspension, failing list and held removal are reported with its number", () => {
  const { watch, installations, recovery, codes } = setUp();
  installations.note(3, "active", "acme");
  installations.failed(3, new RefreshError("forbidden", "403"));
  installations.hold(3, [1, 2]);
  installations.note(4, "suspended", "globex");
  recovery.state = { ...UNREAD, error: new RefreshError("rate_limited", "403") };
  expect(codes()).toEqual([
    ...["deliveries_unread", "removal_held", "installation_failing", "installation_suspended"],
  ]);
  expect(watch.problems().map(({ installationId }) => installationId)).toEqual([undefined, 3, 3, 4]);
  installations.listed(3, 1_000_000_000);
  for (const id of [1, 2]) installations.release(id);
  installations.note(4, "gone", null);
  recovery.state = { ...UNREAD, readAt: 1, upTo: 1 };
  expect(codes()).toEqual([]);
});

test("a consumer that accepts nothing for five minutes is behind, each independently", () => {
  const lag = { repositories: 3, oldestAt: 1_000_000_000 };
  const consumers = () => [
    { ...lag, consumer: "hook" },
    { ...lag, consumer: "https://ci.example.com/" },
    { ...lag, consumer: "idle", repositories: 0, oldestAt: null },
  ];
  const { watch, clock, lines, codes } = setUp({ consumers, intervalMs: null });
  clock.now += 5 * MINUTE;
  expect(codes()).toEqual([]);
  clock.now += 1;
  watch.check();
  expect(watch.problems()).toMatchObject([
    {
      code: "consumer_behind",
      since: 1_000_000_000,
      detail: "hook has undelivered events of 3 repositories",
    },
    { consumer: "https://ci.example.com/", remedy: expect.stringContaining("lastError") },
  ]);
  expect(lines.map(([, message]) => message)).toEqual(Array(2).fill("problem: consumer_behind"));
});

test("the log has a line when a problem begins and one when it is over", () => {
  const { watch, lines } = setUp();
  watch.passed(new RefreshError("unreachable", "no route"), 0);
  watch.check();
  watch.check();
  watch.passed(null, 0);
  watch.check();
  expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual([
    "warn problem: backstop_failing",
    "info problem resolved: backstop_failing",
  ]);
});

test("a full disk is a problem, even with MIN_FREE_DISK=0, and so is a database that cannot be written", () => {
  const { codes, disk, clock, watch } = setUp();
  const full = { path: "/data", freeBytes: 0, neededBytes: 2 ** 28, freeFiles: 9 };
  disk.full = { ...full, lacks: "space", stops: ["refresh", "publish"] };
  disk.fault = "database or disk is full";
  expect(codes()).toEqual(["disk_full", "database_unwritable"]);
  expect(watch.problems()[0]).toMatchObject({
    detail:
      "on the disk of /data 0B are free, and at least 256MiB are needed; no refresh and no publish runs until there is more",
  });
  disk.full = { ...full, lacks: "files", stops: ["publish"] };
  expect(watch.problems()[0]).toMatchObject({
    detail: expect.stringMatching(/9 further files can be made.*10000.*; no publish runs/),
  });
  disk.full = null;
  disk.fault = null;
  clock.now += 5_000;
  expect(codes()).toEqual([]);
});

test("refreshes that all fail for the machine or the network are a problem, until one succeeds", () => {
  const { codes, watch } = setUp();
  for (const result of ["no_git", "no_git", "history_blocked", "timeout"]) watch.refreshed(result);
  expect(codes()).toEqual([]);
  watch.refreshed("no_git");
  expect(watch.problems()).toMatchObject([
    {
      code: "refreshes_failing",
      detail: expect.stringContaining("no_git"),
      remedy: expect.stringContaining("PATH"),
    },
  ]);
  watch.refreshed("unchanged");
  expect(codes()).toEqual([]);
  for (const result of ["unreachable", "skipped", "unreachable", "tls"]) watch.refreshed(result);
  expect(codes()).toEqual(["refreshes_failing"]);
});

test("a long wait that GitHub asks for is a problem, and a short one is not", () => {
  const { codes, held, clock } = setUp({ intervalMs: null });
  held.until = clock.now + MINUTE;
  expect(codes()).toEqual([]);
  held.until = clock.now + HOUR;
  expect(codes()).toEqual(["github_calls_held"]);
  clock.now += HOUR;
  expect(codes()).toEqual([]);
});

test("a server that answers nobody for more than a minute is a problem, until it answers", () => {
  const { codes, watch, clock, outages } = setUp({ intervalMs: null });
  outages.set("git:github.com", clock.now).set("submodule:example.org", clock.now);
  clock.now += MINUTE;
  expect(codes()).toEqual([]);
  clock.now += MINUTE;
  const detail = expect.stringMatching(/^github\.com answers nobody/);
  expect(watch.problems()).toMatchObject([{ code: "server_out", since: clock.now - 2 * MINUTE, detail }]);
  outages.set("rest", clock.now - HOUR);
  expect(watch.problems()[0]?.detail).toMatch(/^github\.com and GitHub's API answer nobody/);
  outages.clear();
  expect(codes()).toEqual([]);
});

test("a clock that is set back or ahead makes no pass and no list late, and hides none that is", () => {
  const { watch, clock, codes, installations } = setUp();
  installations.note(3, "active", "acme");
  installations.listed(3, clock.now);
  watch.passed(null, 0);
  expect(codes()).toEqual([]);
  clock.setBy = 24 * HOUR;
  expect(codes()).toEqual([]);
  clock.setBy = -HOUR;
  expect(codes()).toEqual([]);
  clock.now += 12 * MINUTE;
  expect(codes()).toEqual(["backstop_late", "backstop_late"]);
  for (const { since } of watch.problems()) expect(since).toBe(1_000_000_000 - HOUR);
});

test("a push that was missed while the clock was ahead is forgotten a day after the clock is right", () => {
  const { watch, clock, codes, calls } = setUp({ intervalMs: null });
  clock.setBy = 30 * 24 * HOUR;
  watch.reportMissedPush(7, "acme/app");
  clock.now += 2 * MINUTE;
  expect(codes()).toEqual(["webhook_silent"]);
  clock.setBy = 0;
  expect(codes()).toEqual(["webhook_silent"]);
  calls.at = clock.now + 1;
  expect(codes()).toEqual([]);
});

const silenceOf = (newest: RecoveryState["newest"], readAt: number | null = 5) => {
  const { watch, clock, recovery } = setUp();
  watch.reportMissedPush(7, "acme/app");
  clock.now += 2 * MINUTE;
  recovery.state = { ...UNREAD, readAt, newest };
  return watch.problems()[0];
};

test("a silent webhook says whether GitHub calls, and what its calls are answered", () => {
  expect(silenceOf({ at: 0, status: 401 })).toMatchObject({
    ...{ code: "webhook_silent", cause: "refused", detail: expect.stringContaining("was answered 401") },
    remedy: expect.stringContaining("WEBHOOK_SECRET"),
  });
  expect(silenceOf({ at: 0, status: 0 })).toMatchObject({ cause: "unanswered" });
  for (const newest of [null, { at: 0, status: 202 }])
    expect(silenceOf(newest)).toMatchObject({
      ...{ cause: "not_called", detail: expect.stringContaining("no call for it") },
      remedy: expect.stringContaining("active"),
    });
  expect(silenceOf(null, null)).not.toHaveProperty("cause");
});

test("maintenance that does not keep pace is a problem that tells the backlog", () => {
  const backlog = { waiting: 900, oldestMs: 24 * HOUR - 1 };
  const { watch, codes, clock } = setUp({ maintenance: () => backlog });
  expect(codes()).toEqual([]);
  backlog.oldestMs = 30 * HOUR;
  expect(watch.problems()).toMatchObject([
    {
      code: "maintenance_behind",
      since: clock.now - 6 * HOUR,
      detail: "900 tasks of maintenance wait, the oldest for 30 hours",
    },
  ]);
});
