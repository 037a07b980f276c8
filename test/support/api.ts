import { EventEmitter } from "node:events";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { createBearers } from "../../src/http/bearer.js";
import type { Refusal } from "../../src/http/history.js";
import type { OperatePorts, StatusView } from "../../src/http/operate.js";
import type { RepositoryView, SettledOutcome } from "../../src/http/view.js";
import { serveAll } from "./listen.js";

export const TOKEN = "0123456789abcdef";

export const SITE: RepositoryView = {
  ...{ id: 7, owner: "acme", name: "site", state: "failing", defaultBranch: "main", installationId: 3 },
  depth: null,
  filter: null,
  ...{ queued: false, running: false, lagMs: 40, pushedAt: null },
  ...{ lastRefreshAt: "2024-01-01T00:00:00.000Z", lastFullAt: null, lastProvenAt: null },
  ...{ pausedAt: null, goneAt: null, retiresAt: null },
  lastError: { code: "disk_full", message: "No space left", hint: "free some space", at: "", attempt: 2 },
};

const MAIN = { ref: "refs/heads/main", sha: "1".repeat(40), provenAt: "2024-01-01T00:00:00.000Z" };
export const MAINTENANCE = {
  tidiedAt: null,
  prunedAt: null,
  checkedAt: null,
  bitmapAt: null,
  due: [],
  running: null,
};
const NO_TRENDS = {
  ...{ stepMs: 60_000, from: "2024-01-01T00:00:00.000Z", points: [null], whole: null, diskFullAt: null },
};
export const OPERATE: Omit<OperatePorts, "get"> = {
  pause: () => {},
  resume: () => {},
  installation: () => null,
  confirmRemoval: () => 0,
  status: (): StatusView => ({
    ...{
      fresh: true,
      state: "fresh",
      mirrors: { managed: 1, cloned: 1 },
      oldestUnprovenMs: null,
      repositories: { fresh: 1 },
      problems: [],
      ...{ attention: [], attentionTotal: 0, heldRepositories: 0 },
      queue: { depth: 0, classes: [], held: [], outages: [] },
    },
    backstop: { intervalMs: null, lastPassAt: null, lastError: null },
    deliveries: { mode: "webhook", lastWebhookAt: null, lastReadAt: null, reading: null },
    ...{ github: { calls: 0, limits: [] }, announce: [], serving: null },
    disk: { freeBytes: 1, totalBytes: 2, minFreeBytes: 0, low: false, full: null, reserve: true },
  }),
};

interface Options {
  apiToken?: string | null;
  outcome?: SettledOutcome;
  refusal?: Refusal;
  stillHeld?: Refusal;
  contains?: boolean;
}

/** @param calls records the calls made to the ports */
export function apiPorts(options: Options = {}, calls: unknown[][] = []): ApiPorts {
  return {
    idsOf: async () => [SITE.id],
    list: (...args) => {
      calls.push(["list", ...args]);
      return { repositories: [SITE], next: args[0].after ? null : ["acme", "site", 7], total: 2 };
    },
    installations: (...args) => {
      calls.push(["installations", ...args]);
      return { installations: [], next: null, total: 0 };
    },
    get: (owner, name) => (`${owner}/${name}`.toLowerCase() === "acme/site" ? SITE : null),
    refs: async (...args) => {
      calls.push(["refs", ...args]);
      return { refs: [MAIN], next: null, total: 1 };
    },
    kept: async (...args) => {
      calls.push(["kept", ...args]);
      return { kept: [], next: null, total: 0 };
    },
    holds: (...args) => {
      calls.push(["holds", ...args]);
      return { holds: [], next: null, total: 0 };
    },
    changes: (...args) => {
      calls.push(["changes", ...args]);
      return { changes: [], next: null };
    },
    keptTip: async () => null,
    audit: {
      begin: () => 1,
      end: () => {},
      page: () => ({ audit: [], next: null }),
    },
    readers: () => null,
    ranked: (...args) => {
      calls.push(["ranked", ...args]);
      return { repositories: [{ ...SITE, beats: ["good", "bad"], lags: [40, 50], held: 0 }], total: 51 };
    },
    activity: () => [],
    refused: () => ({ refused: [], total: 0 }),
    places: ({ owner, name }) => ({
      github: `https://github.com/${owner}/${name}`,
      path: `/data/mirrors/${owner}/${name}.git`,
      served: null,
    }),
    subject: async () => null,
    beats: () => ({ beats: [], lags: [] }),
    trends: (span) => ({ ...NO_TRENDS, span }),
    tokens: { add: () => "taken", all: () => [], revoke: () => false },
    maintenance: () => MAINTENANCE,
    ...OPERATE,
    beginPass: () => calls.push(["beginPass"]) === 1,
    deliveries: (...args) => {
      calls.push(["deliveries", ...args]);
      return { deliveries: [], next: null };
    },
    delivery: () => null,
    refreshes: () => [],
    queue: () => ({ queue: [], total: 0, held: [], outages: [] }),
    refresh: (...args) => void calls.push(["refresh", ...args]),
    allow: (...args) => {
      calls.push(["allow", ...args]);
      return options.refusal ?? null;
    },
    stillHeld: () => options.stillHeld ?? null,
    restore: async (...args) => {
      calls.push(["restore", ...args]);
      return options.refusal ?? null;
    },
    contains: async (...args) => {
      calls.push(["contains", ...args.slice(0, 4)]);
      return options.contains ?? false;
    },
    events: {
      ...{ after: () => [], bounds: () => ({ oldest: 0, newest: 0 }), newEvents: new EventEmitter() },
      stopping: () => false,
    },
    settled: async (...args) => {
      calls.push(["settled", ...args]);
      return options.outcome ?? { ok: true };
    },
  };
}

export const bearersOf = (apiToken: string | null = TOKEN, trustedProxies = ["127.0.0.1"]) =>
  createBearers({ apiToken, trustedProxies });

export async function startApi(options: Options = {}) {
  const calls: unknown[][] = [];
  const ports = apiPorts(options, calls);
  const { apiToken = TOKEN } = options;
  const base = await serveAll(createApi({ bearers: bearersOf(apiToken), ports }));
  const call = (path: string, method = "GET", authorization: string | undefined = `Bearer ${TOKEN}`) =>
    fetch(base + path, { method, ...(authorization && { headers: { authorization } }) });
  const post = (path: string, body: string) =>
    fetch(`${base}/api/v1/repos/acme/site/${path}`, {
      ...{ method: "POST", body, headers: { authorization: `Bearer ${TOKEN}` } },
    });
  return { call, calls, post, base };
}
