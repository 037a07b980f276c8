import { subscribe } from "node:diagnostics_channel";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type DiskState, WORKS } from "../machine/disk.js";

/** Values that are read at the time of a scrape; all others are counted as they happen. */
export interface MetricsPorts {
  queue(): { depth: number; oldestMs: number; held: number; outages: { server: string }[] };
  repositories(): Record<string, number>;
  /** How many repositories are to be mirrored, and how many of them were cloned. */
  mirrors(): { managed: number; cloned: number };
  /**
   * The age of the oldest proof that a repository equals GitHub, in milliseconds; null when there is none.
   */
  oldestUnprovenMs(): number | null;
  problems(): { code: string }[];
  github(): { calls: number; limits: { whose: string; limit: number; remaining: number }[] };
  disk(): Pick<DiskState, "freeBytes" | "full" | "hasReserve">;
  /** What this node knows of its cluster; null: this Lockstep is alone. */
  cluster: (() => ClusterGauges) | null;
  /** Objects of Git LFS that are to be kept and are not: asked for in vain, or not yet; null: none are to be kept. */
  lfs: (() => { refused: number; waiting: number }) | null;
  /** Limits against which some values are judged. */
  bounds: { staleAfterMs: number; minFreeDisk: number };
}

/** What a node knows of its cluster. */
export interface ClusterGauges {
  /** How many nodes are in each state. */
  nodes: Record<string, number>;
  isRedisReachable: boolean;
  /** Repositories that this node keeps until their owners have them; null: it does not know yet. */
  kept: number | null;
  /** Messages in Redis that no node of the cluster has signed. */
  forged: number;
}

export interface Metrics {
  /** Sets the source of the gauges, which are absent until then. */
  readFrom(ports: MetricsPorts): void;
  /** @param event GitHub's name of the event; empty when the delivery was not verified */
  delivery(outcome: string, event: string): void;
  /**
   * @param lagMs the time from the delivery to the fresh mirror; null when no delivery requested the refresh
   */
  refreshed(trigger: string, result: string, seconds: number, lagMs: number | null): void;
  /** Records what one refresh fetched through the gateway. */
  fetched(stats: { requests: number; bytes: number }): void;
  tokenMinted(): void;
  /** Counts an answer to a reader. @param source where it came from; none: it was refused, or failed */
  served(labels: { way: string; source: string }, answer: { bytes: number; isShared: boolean }): void;
  /** Counts a reader whose right was judged. @param way what judged it; none: there was nothing to judge */
  judged(labels: { way: string; result: string }): void;
  /** Counts a question to GitHub whether somebody may read a repository. */
  rightAsked(): void;
  /** Returns the metrics as objects. */
  read(): ReturnType<Registry["getMetricsAsJSON"]>;
  /** Returns the metrics in the text format of Prometheus. */
  scrape(): Promise<{ type: string; body: string }>;
}

/** The buckets range from the time that GitHub needs at best to its replicas' lag and a slow clone. */
const SECONDS = [0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800];

/** Names and labels follow https://prometheus.io/docs/practices/naming/; docs/metrics.md lists them. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counted = counters(registers);
  watchUpstream(counted);
  return {
    readFrom: (ports) => readAtScrape(registers, ports),
    delivery: (outcome, event) => counted.deliveries.inc({ outcome, event }),
    refreshed(trigger, result, seconds, lagMs) {
      counted.refreshes.inc({ trigger, result });
      // A clock that is set back during a refresh makes no duration negative.
      counted.refreshSeconds.observe({ trigger }, Math.max(0, seconds));
      if (lagMs !== null) counted.freshSeconds.observe(Math.max(0, lagMs) / 1000);
    },
    fetched({ requests, bytes }) {
      counted.requests.inc(requests);
      counted.bytes.inc(bytes);
    },
    tokenMinted: () => counted.tokens.inc(),
    served(labels, { bytes, isShared }) {
      counted.served.inc(labels);
      counted.servedBytes.inc(labels, bytes);
      if (isShared) counted.servedShared.inc(labels);
    },
    judged: (labels) => counted.rights.inc(labels),
    rightAsked: () => counted.questions.inc(),
    read: () => registry.getMetricsAsJSON(),
    scrape: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}

/**
 * undici publishes the events: https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
function watchUpstream({ connections, requestSeconds }: ReturnType<typeof counters>): void {
  subscribe("undici:client:connected", (message) => {
    const { connectParams } = message as { connectParams: { host: string } };
    connections.inc({ host: connectParams.host });
  });
  const sent = new WeakMap<object, number>();
  subscribe("undici:request:create", (message) => {
    const { request } = message as { request: { path: string } };
    if (request.path.endsWith("/git-upload-pack")) sent.set(request, performance.now());
  });
  subscribe("undici:request:trailers", (message) => {
    const { request } = message as { request: object };
    const at = sent.get(request);
    if (at !== undefined) requestSeconds.observe((performance.now() - at) / 1000);
  });
}

function counters(registers: Registry[]) {
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  return {
    deliveries: counter("lockstep_deliveries_total", "Webhook deliveries by outcome.", ["outcome", "event"]),
    refreshes: counter("lockstep_refreshes_total", "Refreshes by trigger and result or error code.", [
      "trigger",
      "result",
    ]),
    refreshSeconds: new Histogram({
      name: "lockstep_refresh_seconds",
      help: "Duration of a refresh.",
      labelNames: ["trigger"],
      buckets: SECONDS,
      registers,
    }),
    freshSeconds: new Histogram({
      name: "lockstep_delivery_to_fresh_seconds",
      help: "Time from a push delivery to the updated mirror.",
      buckets: SECONDS,
      registers,
    }),
    requests: counter("lockstep_upstream_requests_total", "Requests to GitHub's git server."),
    requestSeconds: new Histogram({
      name: "lockstep_upstream_request_seconds",
      help: "Duration of a request for refs or objects, up to its last byte.",
      buckets: SECONDS,
      registers,
    }),
    bytes: counter("lockstep_upstream_received_bytes_total", "Bytes fetched from GitHub's git server."),
    connections: counter("lockstep_upstream_connections_total", "Connections opened to GitHub.", ["host"]),
    tokens: counter("lockstep_tokens_minted_total", "Installation tokens requested."),
    served: counter("lockstep_served_requests_total", "Requests of readers over HTTP that were answered.", [
      "way",
      "source",
    ]),
    servedBytes: counter("lockstep_served_bytes_total", "Bytes sent to readers over HTTP.", [
      "way",
      "source",
    ]),
    servedShared: counter("lockstep_served_shared_total", "Answers that several readers shared.", [
      "way",
      "source",
    ]),
    rights: counter("lockstep_reader_rights_total", "Rights of readers that were judged.", ["way", "result"]),
    questions: counter("lockstep_reader_questions_total", "Questions to GitHub about rights of readers."),
  };
}

/** Values that another part owns are read at the time of a scrape, so they cannot become stale here. */
function readAtScrape(registers: Registry[], ports: MetricsPorts): void {
  const gauge = (name: string, help: string, labelNames: string[], collect: (self: Gauge) => void) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect(this);
      },
    });
  gauge("lockstep_queue_depth", "Queue entries waiting or running.", [], (self) =>
    self.set(ports.queue().depth),
  );
  gauge("lockstep_queue_oldest_seconds", "Age of the oldest trigger in the queue.", [], (self) =>
    self.set(ports.queue().oldestMs / 1000),
  );
  gauge("lockstep_queue_held_resources", "Resources that GitHub asked to leave alone.", [], (self) =>
    self.set(ports.queue().held),
  );
  gauge("lockstep_outages", "1 for each server of GitHub's that answers nobody.", ["server"], (self) => {
    for (const { server } of ports.queue().outages) self.set({ server }, 1);
  });
  gauge("lockstep_repositories", "Repositories by state.", ["state"], (self) => {
    for (const [state, count] of Object.entries(ports.repositories())) self.set({ state }, count);
  });
  gauge("lockstep_managed_repositories", "Repositories to be mirrored.", [], (self) =>
    self.set(ports.mirrors().managed),
  );
  gauge("lockstep_cloned_repositories", "Repositories to be mirrored that were cloned.", [], (self) =>
    self.set(ports.mirrors().cloned),
  );
  gauge("lockstep_oldest_unproven_seconds", "Age of the oldest proof of freshness.", [], (self) =>
    self.set((ports.oldestUnprovenMs() ?? 0) / 1000),
  );
  gauge("lockstep_stale_after_seconds", "STALE_AFTER: a proof older than this is stale.", [], (self) =>
    self.set(ports.bounds.staleAfterMs / 1000),
  );
  gauge("lockstep_problems", "Open problems by code.", ["code"], (self) => {
    for (const { code } of ports.problems()) self.inc({ code });
  });
  new Counter({
    name: "lockstep_github_api_calls_total",
    help: "REST calls made to GitHub.",
    registers,
    collect() {
      this.reset();
      this.inc(ports.github().calls);
    },
  });
  gauge("lockstep_github_rate_limit_remaining", "Calls left in the current hour.", ["whose"], (self) => {
    for (const { whose, remaining } of ports.github().limits) self.set({ whose }, remaining);
  });
  gauge("lockstep_github_rate_limit", "Calls allowed in the hour.", ["whose"], (self) => {
    for (const { whose, limit } of ports.github().limits) self.set({ whose }, limit);
  });
  gauge("lockstep_disk_free_bytes", "Free on the disk of DATA_DIR.", [], (self) =>
    self.set(ports.disk().freeBytes),
  );
  gauge(
    "lockstep_disk_full",
    "1: a file system has so little left that work does not run.",
    ["work"],
    (self) => {
      const stops = ports.disk().full?.stops ?? [];
      for (const work of WORKS) self.set({ work }, stops.includes(work) ? 1 : 0);
    },
  );
  gauge("lockstep_disk_reserve", "1: the space that is kept for the database is there.", [], (self) =>
    self.set(ports.disk().hasReserve ? 1 : 0),
  );
  gauge("lockstep_disk_min_free_bytes", "MIN_FREE_DISK: below this nothing is cloned.", [], (self) =>
    self.set(ports.bounds.minFreeDisk),
  );
  const { lfs } = ports;
  if (lfs)
    gauge(
      "lockstep_lfs_missing_objects",
      "Objects of Git LFS that are to be kept and are not.",
      ["why"],
      (self) => {
        for (const [why, count] of Object.entries(lfs())) self.set({ why }, count);
      },
    );
  if (ports.cluster) readClusterAtScrape(registers, gauge, ports.cluster);
}

type AddGauge = (name: string, help: string, labelNames: string[], collect: (self: Gauge) => void) => Gauge;

/** A Lockstep that is alone has none of these. */
function readClusterAtScrape(registers: Registry[], gauge: AddGauge, cluster: () => ClusterGauges): void {
  gauge("lockstep_nodes", "Nodes of the cluster by state, as this node sees them.", ["state"], (self) => {
    for (const [state, count] of Object.entries(cluster().nodes)) self.set({ state }, count);
  });
  gauge("lockstep_redis_reachable", "1: the last beat of this node reached Redis.", [], (self) =>
    self.set(cluster().isRedisReachable ? 1 : 0),
  );
  gauge("lockstep_kept_repositories", "Repositories kept until their new owners have them.", [], (self) => {
    const { kept } = cluster();
    if (kept !== null) self.set(kept);
  });
  new Counter({
    name: "lockstep_forged_messages_total",
    help: "Messages in Redis that no node of the cluster has signed.",
    registers,
    collect() {
      this.reset();
      this.inc(cluster().forged);
    },
  });
}
