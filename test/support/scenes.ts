import type { ApiPorts } from "../../src/http/api.js";
import type { AttentionView } from "../../src/http/attention.js";
import type { DeliveryView, RefreshView } from "../../src/http/log-view.js";
import type { ActivityView, RankedView } from "../../src/http/overview.js";
import type { StatusView } from "../../src/http/status-view.js";
import type { TrendPointView, TrendsView } from "../../src/http/trends.js";
import { apiPorts, SITE } from "./api.js";

export const SCENES = ["healthy", "failing", "cloning", "away"] as const;
export type Scene = (typeof SCENES)[number];

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
const NAMES = ["web", "api", "site", "ios-app", "payments-api", "docs", "a-service-with-quite-a-long-name"];
const SHOWN = 50;

/** Numbers that look random and are the same each time. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function repository(n: number, scene: Scene): RankedView {
  const random = randoms(n + 7);
  const isFailing = scene === "failing" && n < 2;
  const isHeld = scene === "failing" && n === 2;
  const isNew = scene === "cloning" && n % 3 > 0;
  // What waits for a server that does not answer is not failing.
  const isWaiting = scene === "away" && n < 2;
  const error = {
    code: "forbidden",
    message: "GitHub answers 403: this organisation allows only listed addresses",
    hint: "add this server's address 203.0.113.7 to the organisation's allow list",
    at: ago(840),
    attempt: 5,
  };
  const name = n < NAMES.length ? NAMES[n]! : `service-${String(n).padStart(5, "0")}`;
  return {
    ...SITE,
    id: n + 1,
    owner: "acme",
    name,
    state: isFailing ? "failing" : isNew ? "onboarding" : "fresh",
    lagMs: isNew ? null : 20 + Math.round(random() * 60),
    lastRefreshAt: isNew ? null : ago(random() * 300),
    lastProvenAt: isNew ? null : ago(random() * 300),
    lastFullAt: isNew ? null : ago(3_600),
    pushedAt: isNew ? null : ago(random() * 4_000),
    lastError: isFailing ? error : null,
    queued: isWaiting,
    beats: isNew
      ? []
      : Array.from({ length: 30 }, (_, at) =>
          isFailing && at > 24 ? "bad" : random() < 0.15 ? "none" : "good",
        ),
    lags: isNew ? [] : Array.from({ length: 20 }, () => 20 + random() * 60),
    held: isHeld ? 1 : 0,
  };
}

function point(at: number, random: () => number): TrendPointView {
  const p50Ms = 38 + Math.round(random() * 14);
  return {
    at: new Date(at).toISOString(),
    p50Ms,
    p95Ms: Math.round(p50Ms * (1.5 + random() * (random() > 0.95 ? 6 : 0.5))),
    pushes: Math.round(random() * 30),
    refreshes: 30 + Math.round(random() * 12),
    failures: random() > 0.93 ? Math.round(random() * 4) : 0,
    missed: 0,
    backlog: Math.round(random() * 6),
    proofMs: 120_000 + random() * 120_000,
    budget: 0.9 - random() * 0.2,
    freeBytes: (77 + random()) * 2 ** 30,
  };
}

function trends(span: "hour" | "day" | "week"): TrendsView {
  const [count, stepMs] = { hour: [60, 60_000], day: [96, 900_000], week: [168, 3_600_000] }[span] as [
    number,
    number,
  ];
  const random = randoms(count);
  const from = Math.floor(Date.now() / stepMs) * stepMs - (count - 1) * stepMs;
  const points = Array.from({ length: count }, (_, n) => (n < 3 ? null : point(from + n * stepMs, random)));
  const whole = {
    ...point(from, random),
    p50Ms: 47,
    p95Ms: 98,
    pushes: 1_412,
    refreshes: 3_380,
    failures: 9,
    backlog: 6,
  };
  const diskFullAt = new Date(Date.now() + 210 * 86_400_000).toISOString();
  return { span, stepMs, from: new Date(from).toISOString(), points, whole, diskFullAt };
}

/** What is known in the first minute after the set-up. */
function firstTrends(span: "hour" | "day" | "week"): TrendsView {
  const all = trends(span);
  const none = { p50Ms: null, p95Ms: null, pushes: 0, refreshes: 0, failures: 0, backlog: 2, proofMs: null };
  const points = all.points.map((one, n) =>
    one && n === all.points.length - 1 ? { ...one, ...none } : null,
  );
  return { ...all, points, whole: points.at(-1) ?? null, diskFullAt: null };
}

const NOTHING: Omit<AttentionView, "kind" | "code" | "detail" | "remedy" | "since"> = {
  ...{ repository: null, repositories: 0, names: [], call: null, ref: null, wanted: null },
  ...{ installationId: null, server: null },
};

function attentionOf(scene: Scene): AttentionView[] {
  if (scene === "away")
    return [
      {
        ...{ ...NOTHING, kind: "outage", code: "outage", server: "github.com", since: ago(840) },
        detail: "No answer from github.com. Refreshes wait, and run as soon as it answers.",
        remedy: "see https://www.githubstatus.com, and check network, DNS and HTTPS_PROXY",
      },
    ];
  if (scene !== "failing") return [];
  const failing = (name: string): AttentionView => ({
    ...{ ...NOTHING, kind: "failing", code: "forbidden", repository: name, repositories: 1, names: [name] },
    detail: "GitHub answers 403: this organisation allows only listed addresses.",
    remedy: "add this server's address 203.0.113.7 to the organisation's allow list",
    since: ago(840),
  });
  return [
    failing("acme/web"),
    failing("acme/api"),
    {
      ...{ ...NOTHING, kind: "held", code: "blocked", repository: "acme/site", repositories: 1 },
      detail:
        "main was moved by force at GitHub: 6050339 → 590956a. The mirror keeps 6050339 until you decide.",
      remedy: "allow GitHub's value, or keep the mirror's",
      since: ago(1_560),
      ...{ ref: "refs/heads/main", wanted: "5".repeat(40), names: ["acme/site"] },
    },
  ];
}

const classesOf = (clones: number): StatusView["queue"]["classes"] => [
  { class: "short", running: 1, slots: 10, waiting: 0 },
  { class: "long", running: Math.min(5, clones), slots: 5, waiting: Math.max(0, clones - 5) },
  { class: "list", running: 0, slots: 5, waiting: 0 },
  { class: "publish", running: 0, slots: 5, waiting: 0 },
];

const STATES = { healthy: "fresh", failing: "stale", cloning: "cloning", away: "stale" } as const;

function statusOf(scene: Scene, count: number): StatusView {
  const base = apiPorts().status() as StatusView;
  const failing = scene === "failing" ? Math.min(2, count) : 0;
  const onboarding = scene === "cloning" ? Math.ceil((count * 2) / 3) : 0;
  const waiting = scene === "away" ? Math.min(2, count) : onboarding;
  const attention = count === 0 ? [] : attentionOf(scene);
  const isEmpty = count === 0;
  const outages = [{ server: "github.com", since: ago(840), nextProbeAt: ago(-10) }];
  return {
    ...base,
    fresh: scene === "healthy",
    state: isEmpty ? "empty" : STATES[scene],
    mirrors: { managed: count, cloned: count - onboarding },
    oldestUnprovenMs: isEmpty ? null : 240_000,
    repositories: isEmpty ? {} : { fresh: count - failing - onboarding, failing, onboarding },
    attention,
    attentionTotal: attention.length,
    heldRepositories: scene === "failing" && count > 2 ? 1 : 0,
    queue: {
      depth: waiting,
      classes: classesOf(onboarding),
      held: [],
      outages: scene === "away" && !isEmpty ? outages : [],
    },
    backstop: { intervalMs: 300_000, lastPassAt: ago(120), lastError: null },
    deliveries: { ...base.deliveries, lastWebhookAt: ago(4) },
    github: {
      calls: 360,
      limits: [
        {
          whose: "installation 3",
          account: "acme",
          limit: 5_000,
          remaining: 4_640,
          resetsAt: ago(-3_300),
          heldUntil: null,
        },
        {
          whose: "app",
          account: null,
          limit: 5_000,
          remaining: 4_990,
          resetsAt: ago(-3_300),
          heldUntil: null,
        },
      ],
    },
    disk: { ...base.disk, freeBytes: 77 * 2 ** 30, totalBytes: 200 * 2 ** 30, minFreeBytes: 2 ** 30 },
  };
}

function activity(): ActivityView[] {
  const sha = (digit: string) => digit.repeat(40);
  const one = (id: number, name: string, more: Partial<ActivityView>): ActivityView => ({
    ...{ id, at: ago(9 * (9 - id)), repository: `acme/${name}`, type: "changed", changed: 1, lagMs: 41 },
    ...{ ref: "refs/heads/main", before: sha("1"), after: sha("3") },
    ...more,
  });
  return [
    one(8, "web", {}),
    one(7, "api", { ref: "refs/heads/release/4.2", before: sha("0"), lagMs: 52 }),
    one(6, "site", { type: "published", lagMs: null }),
    one(5, "ios-app", { ref: "refs/tags/v7.1.0", before: sha("0"), lagMs: 39 }),
    one(4, "docs", { ref: "refs/heads/feature/lake", after: sha("0"), lagMs: 18, changed: 3 }),
    one(3, "web", { type: "cloned", changed: 214, ref: null, lagMs: null }),
  ];
}

/** The refreshes that the strip of a repository stands for, newest first. */
function refreshesOf({ beats, lastError }: RankedView): RefreshView[] {
  const random = randoms(11);
  const refreshOf = (beat: RankedView["beats"][number], n: number): RefreshView => ({
    ...{ endedAt: ago((beats.length - n) * 240), durationMs: 30 + Math.round(random() * 20) },
    ...{ lagMs: 40 + Math.round(random() * random() * 160), trigger: beat === "none" ? "backstop" : "push" },
    ...{ attempt: 0, result: beat === "bad" ? "forbidden" : "updated", way: "word" },
    ...{ reason: beat === "bad" ? (lastError?.message ?? "failed") : null, changed: beat === "good" ? 1 : 0 },
  });
  return beats.map(refreshOf).reverse();
}

/** @param count so many, each of a sort that a page can show */
function deliveries(count: number): DeliveryView[] {
  const one = (n: number, more: Partial<DeliveryView>): DeliveryView => ({
    ...{
      id: `72d3162e-cc78-11e3-81ab-4c93676990${String(n).padStart(2, "0")}`,
      event: "push",
      action: null,
      via: "webhook",
    },
    ...{ receivedAt: ago(n * 70), repository: "acme/web", repositoryId: 1, installationId: 3 },
    ...{ outcome: "refreshed", reason: null, refreshedAt: ago(n * 70 - 0.1), became: "refreshed" },
    headers: { "X-GitHub-Hook-ID": "292430182", "User-Agent": "GitHub-Hookshot/044aadd" },
    ...more,
  });
  const sorts: Partial<DeliveryView>[] = [
    { outcome: "open", refreshedAt: null, became: "queued" },
    {},
    {
      event: "watch",
      action: "started",
      outcome: "ignored",
      refreshedAt: null,
      became: "ignored: nothing to do for watch",
    },
    { via: "recovered", repository: "acme/a-service-with-quite-a-long-name" },
    { event: "repository", action: "renamed" },
  ];
  return Array.from({ length: count }, (_, n) => one(n + 1, sorts[n % sorts.length]!));
}

/** Everything that the page shows, as one wants to see it in a picture. */
export function sceneOf(scene: Scene, count: number): ApiPorts {
  const shown = Array.from({ length: Math.min(count, SHOWN) }, (_, n) => repository(n, scene));
  const status = statusOf(scene, count);
  // Whoever clones has just begun.
  const figures = scene === "cloning" ? firstTrends : trends;
  const kept = { hour: figures("hour"), day: figures("day"), week: figures("week") };
  const ports = apiPorts();
  return {
    ...ports,
    status: () => status,
    trends: (span) => kept[span],
    activity: () => (count === 0 ? [] : activity()),
    ranked: ({ limit }) => ({ repositories: shown.slice(0, limit), total: count }),
    beats: () => repository(0, scene),
    refreshes: () => refreshesOf(repository(0, scene)),
    deliveries: ({ limit }) => ({
      deliveries: count === 0 ? [] : deliveries(count > SHOWN ? (limit ?? SHOWN) : 5),
      next: count > SHOWN ? [1, 1] : null,
    }),
    get: () => shown[0] ?? null,
  };
}
