import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createBacklog } from "../src/announce/backlog.js";
import { createOutbox } from "../src/announce/outbox.js";
import { pruneAnnounced } from "../src/announce/prune.js";
import { deleteInSlices } from "../src/base/slices.js";
import { TABLES } from "../src/compose/tables.js";
import { createDeliveryLog } from "../src/deliveries/log.js";
import { createMaintenanceLog } from "../src/maintenance/log.js";
import { createKeptTips } from "../src/registry/kept-tips.js";
import { createRepositoryList } from "../src/registry/list.js";
import { createProofAges } from "../src/registry/proof-ages.js";
import { createRegistry } from "../src/registry/repositories.js";
import { openStore, type Store } from "../src/store/database.js";
import { Releasers } from "../tools/releasers.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:blocking [-- --repositories <n> --refs <n> --deliveries <n> --events <n> --tips <n>]

The longest time for which each operation blocks the event loop, on a database of the given sizes. Nothing may
block it for more than 50 ms. The time of one sync of the disk is shown apart, as a slow disk adds it to each.`;

const OPTIONS = {
  repositories: { type: "string", default: "10000" },
  refs: { type: "string", default: "50000" },
  deliveries: { type: "string", default: "500000" },
  events: { type: "string", default: "200000" },
  tips: { type: "string", default: "25000" },
} as const;

type Sizes = Record<"repositories" | "refs" | "deliveries" | "events" | "tips", number>;

/** The limit, in milliseconds. */
const LIMIT_MS = 50;
const SHA = "1".repeat(40);
const DAY_MS = 86_400_000;
const CONSUMER = "hook";

/** Fills the database as a server of these sizes has it. */
function fill(store: Store, sizes: Sizes): void {
  const old = Date.now() - 10 * DAY_MS;
  const repository = store.prepare(
    `INSERT INTO repositories (id, installation_id, owner, name, state, added_at, pushed_at, told_at, confirmed_at,
     settled_pushed_at, compared_at, full_at) VALUES (?, ?, 'acme', ?, 'fresh', ?, 1, 1, 1, 1, 1, ?)`,
  );
  const ref = store.prepare("INSERT INTO ref_knowledge (repository_id, ref, pushed_at) VALUES (1, ?, 1)");
  const delivery = store.prepare(
    "INSERT INTO deliveries (id, received_at, event, outcome, repository_id) VALUES (?, ?, 'push', 'accepted', ?)",
  );
  const event = store.prepare("INSERT INTO events (repository_id, at, body) VALUES (?, ?, '{}')");
  const tip = store.prepare("INSERT INTO kept_tips VALUES (1, ?, 'refs/heads/main', ?, ?)");
  const waiting = store.prepare(
    `INSERT INTO backlog (consumer, repository_id, event_id)
     SELECT '${CONSUMER}', repository_id, min(id) FROM events GROUP BY repository_id`,
  );
  store.transaction(() => {
    for (let n = 1; n <= sizes.repositories; n++) repository.run(n, n % 20, `app-${n}`, old, Date.now());
    for (let n = 0; n < sizes.refs; n++) ref.run(`refs/heads/topic/${n}`);
    for (let n = 0; n < sizes.deliveries; n++)
      delivery.run(`delivery-${n}`, old, 1 + (n % sizes.repositories));
    for (let n = 0; n < sizes.events; n++) event.run(1 + (n % sizes.repositories), old);
    for (let n = 0; n < sizes.tips; n++) tip.run(`refs/lockstep/kept/${n}-${SHA}/heads/main`, SHA, n);
    waiting.run();
  });
}

type Operations = [name: string, operation: () => unknown][];

/** What a server of these sizes does again and again; the last ones delete what the others read. */
function operationsOn(store: Store): Operations {
  const now = Date.now;
  const registry = createRegistry(store);
  const tips = createKeptTips(store);
  const maintenance = createMaintenanceLog(store);
  const list = createRepositoryList(store);
  const ages = createProofAges({ store, staleAfterMs: DAY_MS, customRefs: false, now });
  const outbox = createOutbox({ store, mirrorOf: String, now });
  const backlog = createBacklog(store, now);
  const deliveries = createDeliveryLog(store);
  const none = { state: null, installationId: null, name: null, running: [] };
  const consumers = [{ key: CONSUMER, shown: CONSUMER }];
  return [
    ["status: repositories by state", registry.states],
    ["status: mirrors", registry.mirrors],
    ["status: ages of proofs", ages],
    ["status: delay of a consumer", () => backlog.delay(CONSUMER)],
    ["status: events that wait for a consumer", () => backlog.lag(CONSUMER)],
    ["pass: ids of repositories", registry.ids],
    ["pass: maintenance of 100 mirrors", () => registry.ids().slice(0, 100).map(maintenance.get)],
    ["list: a page of repositories", () => list({ ...none, limit: 1_000, after: null })],
    ["list: a page of kept tips", () => tips.page(1, { limit: 1_000, after: null })],
    ["comparison: known kept tips", () => tips.of(1)],
    ["comparison: forget what refs proved", () => registry.recordComparison(1, COMPARISON)],
    ["prune: deliveries", () => deleteInSlices((limit) => deliveries.pruneSome(Date.now(), limit))],
    [
      "prune: events",
      () => pruneAnnounced({ outbox, backlog, consumers, log: { error: () => {} } }, now() - DAY_MS),
    ],
  ];
}

const COMPARISON = { comparedAt: 2, askedAt: 2, settledPushedAt: 2, equal: true };

/** @returns the longest block while the operation ran, in milliseconds */
async function longestBlock(operation: () => unknown): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await sleep(20);
  histogram.reset();
  await operation();
  await sleep(20);
  histogram.disable();
  return histogram.max / 1e6;
}

/** @returns the time of one transaction, which syncs the disk once, in milliseconds */
function syncTime(store: Store): number {
  const began = performance.now();
  store.probe();
  return performance.now() - began;
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: OPTIONS,
  async measure(values, report) {
    const names = Object.keys(OPTIONS) as (keyof Sizes)[];
    const sizes = Object.fromEntries(names.map((name) => [name, Number(values[name])])) as Sizes;
    const store = openStore(await workDir(releasers), TABLES);
    releasers.add(() => store.close());
    fill(store, sizes);
    const rows: { operation: string; longestMs: number }[] = [];
    for (const [operation, act] of operationsOn(store))
      rows.push({ operation, longestMs: await longestBlock(act) });
    const syncMs = syncTime(store);
    const cells = rows.map(({ operation, longestMs }) => [
      operation,
      `${longestMs.toFixed(1)} ms`,
      longestMs > LIMIT_MS ? "too long" : "",
    ]);
    report.table([["operation", "longest block", ""], ...cells]);
    report.text(`one sync of the disk: ${syncMs.toFixed(1)} ms`);
    return { sizes, syncMs, rows };
  },
});
