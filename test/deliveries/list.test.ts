import { expect, onTestFinished, test } from "vitest";
import { headersOfHook, hookOf, MAX_HOOK } from "../../src/deliveries/hook.js";
import { createDeliveryList, type DeliveryQuery } from "../../src/deliveries/list.js";
import { createDeliveryLog, DELIVERY_TABLES, type DeliveryRecord } from "../../src/deliveries/log.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const ALL: DeliveryQuery = { repository: null, outcome: null, limit: 100, after: null };

function open(dir = tempDir()) {
  const store = openStore(dir, [DELIVERY_TABLES]);
  onTestFinished(() => store.close());
  const log = createDeliveryLog(store, () => 99);
  const list = createDeliveryList(store);
  const ids = (query: Partial<DeliveryQuery>) =>
    list.page({ ...ALL, ...query }).deliveries.map(({ id }) => id);
  return { store, log, list, ids };
}

const record = (
  id: string,
  receivedAt: number,
  repositoryId?: number,
  repository?: string,
): DeliveryRecord => ({
  ...{ id, receivedAt, event: "push", action: null, via: "webhook" },
  ...(repositoryId !== undefined && { repositoryId }),
  ...(repository !== undefined && { repository }),
});

const subject = (id: number) => ({ kind: "repository", id }) as const;

test("the newest deliveries come first, page by page, also those of one millisecond", () => {
  const { log, list } = open();
  for (const [n, at] of [1, 2, 2, 2, 3].entries()) log.ignored(record(`d${n}`, at), "nothing to do");
  const first = list.page({ ...ALL, limit: 2 });
  expect(first.deliveries.map(({ id }) => id)).toEqual(["d4", "d3"]);
  log.ignored(record("d5", 4), "nothing to do");
  const second = list.page({ ...ALL, limit: 2, after: first.next });
  expect(second.deliveries.map(({ id }) => id)).toEqual(["d2", "d1"]);
  const last = list.page({ ...ALL, limit: 2, after: second.next });
  expect([last.deliveries.map(({ id }) => id), last.next]).toEqual([["d0"], null]);
});

test("filters by repository and outcome; an ignored delivery is found by its name, in any case", () => {
  const { log, list, ids } = open();
  log.accepted(record("open", 1, 7, "acme/app"), subject(7), 1, null);
  log.accepted(record("done", 2, 8, "acme/web"), subject(8), 2, null);
  log.settle(subject(8), 2, []);
  log.ignored(record("out", 3, 9, "acme/Left-Out"), "REPOSITORIES does not include it");
  log.ignored(record("ping", 4), "nothing to do for ping");
  expect(ids({ outcome: "open" })).toEqual(["open"]);
  expect(ids({ outcome: "refreshed" })).toEqual(["done"]);
  expect(ids({ outcome: "ignored" })).toEqual(["ping", "out"]);
  expect(ids({ repository: 8 })).toEqual(["done"]);
  expect(ids({ repository: 8, outcome: "open" })).toEqual([]);
  expect(ids({ repository: "ACME/left-out" })).toEqual(["out"]);
  expect(list.get("done")).toMatchObject({
    refreshedAt: 99,
    subject: "repository:8",
    repository: "acme/web",
  });
  expect(list.get("none")).toBeNull();
});

test("a log from before this version knows its repositories", () => {
  const dir = tempDir();
  const old = openStore(dir, [{ ...DELIVERY_TABLES, steps: DELIVERY_TABLES.steps.slice(0, 2) }]);
  old
    .prepare(
      "INSERT INTO deliveries (id, received_at, event, subject, outcome) VALUES (?, 1, 'push', ?, 'accepted')",
    )
    .run("old", "repository:7");
  old.close();
  const { ids, list } = open(dir);
  expect(ids({ repository: 7 })).toEqual(["old"]);
  expect(list.get("old")).toMatchObject({ repositoryId: 7, repository: null, outcome: "open" });
});

test("a refresh settles the deliveries of its refs; those of a ref that GitHub does not show stay open", () => {
  const { log, ids } = open();
  for (const [id, ref] of [
    ["main", "refs/heads/main"],
    ["other", "refs/heads/other"],
    ["all", null],
  ] as const)
    log.accepted(record(id, 1, 7), subject(7), 1, ref);
  log.accepted(record("later", 2, 7), subject(7), 2, "refs/heads/main");
  log.settle(subject(7), 1, ["refs/heads/other"]);
  expect(ids({ outcome: "refreshed" }).sort()).toEqual(["all", "main"]);
  expect(ids({ outcome: "open" }).sort()).toEqual(["later", "other"]);
  expect([log.openSubject("other"), log.openSubject("main"), log.openSubject("none")]).toEqual([
    "repository:7",
    null,
    null,
  ]);
});

test("a delivery that comes again keeps the time of its first receipt, how it came, and its ref", () => {
  const { log, list } = open();
  log.accepted(record("twice", 1, 7), subject(7), 1, "refs/heads/main");
  log.accepted({ ...record("twice", 50, 7), via: "recovered" }, subject(7), 2, null);
  expect(log.earlier("twice")?.receivedAt).toBe(1);
  expect(list.get("twice")).toMatchObject({ receivedAt: 1, via: "webhook" });
  log.settle(subject(7), 2, ["refs/heads/main"]);
  expect(log.earlier("twice")?.isDone).toBe(false);
});

test("a delivery keeps the headers that say which webhook sent it, when it comes again without them, too", () => {
  const { log, list } = open();
  const hook = hookOf({
    ...{ "x-github-hook-id": "292430182", "x-github-hook-installation-target-type": "integration" },
    ...{ "x-github-hook-installation-target-id": "4242", "user-agent": "GitHub-Hookshot/044aadd" },
  });
  log.accepted({ ...record("sent", 1, 7), hook }, subject(7), 1, null);
  log.accepted({ ...record("sent", 2, 7), via: "recovered" }, subject(7), 2, null);
  log.ignored(record("read", 3), "nothing to do");
  expect(headersOfHook(list.get("sent")!.hook)).toEqual({
    "X-GitHub-Hook-ID": "292430182",
    "X-GitHub-Hook-Installation-Target-Type": "integration",
    "X-GitHub-Hook-Installation-Target-ID": "4242",
    "User-Agent": "GitHub-Hookshot/044aadd",
  });
  expect(headersOfHook(list.get("read")!.hook)).toEqual({});
});

test("headers that do not look like GitHub's are not kept, and what is kept is short", () => {
  const long = "x".repeat(10_000);
  expect(hookOf({ "user-agent": "curl/8" })).toBe(undefined);
  expect(hookOf({ "x-github-hook-id": "1 2" })).toBe(undefined);
  const hook = hookOf({
    ...{ "x-github-hook-id": "9".repeat(20), "x-github-hook-installation-target-type": "<b>" },
    ...{ "x-github-hook-installation-target-id": "9".repeat(20), "user-agent": long },
  });
  expect(hook).toBe(`${"9".repeat(20)} - ${"9".repeat(20)} -`);
  const longest = ["9".repeat(20), "x".repeat(32), "9".repeat(20), "x".repeat(64)].join(" ");
  expect(longest.length).toBeLessThanOrEqual(MAX_HOOK);
});

test("a database from before the headers were kept gets the column, and its deliveries have none", () => {
  const dir = tempDir();
  const before = openStore(dir, [{ ...DELIVERY_TABLES, steps: DELIVERY_TABLES.steps.slice(0, -1) }]);
  before
    .prepare("INSERT INTO deliveries (id, received_at, event, outcome) VALUES ('old', 1, 'push', 'accepted')")
    .run();
  before.close();
  const { list } = open(dir);
  expect(list.get("old")).toMatchObject({ hook: null });
});

test("a delivery is the same object until its row says something else", () => {
  const { log, list } = open();
  log.accepted(record("push", 1, 7, "acme/app"), subject(7), 1, null);
  log.ignored(record("ping", 2), "nothing to do for ping");
  const read = () => list.page(ALL).deliveries;
  const [ping, push] = read();
  expect(read()[0]).toBe(ping);
  expect(read()[1]).toBe(push);
  log.settle(subject(7), 1, []);
  expect(read()[0]).toBe(ping);
  expect(read()[1]).toEqual({ ...push, outcome: "refreshed", refreshedAt: 99 });
});
