import { type AttentionView, MAX_ATTENTION } from "../../http/attention.js";
import type { StatusView } from "../../http/status-view.js";

/** A repository as its node counts it. */
export interface Counted {
  id: number;
  /** The state as the API shows it, but for a running refresh. */
  state: string;
  /** Whether it is to be mirrored, and whether it was cloned. */
  isManaged: boolean;
  isCloned: boolean;
  hasHolds: boolean;
}

/** Returns the counts of a status, of these repositories alone. */
export function countsOf(
  counted: readonly Counted[],
): Pick<StatusView, "mirrors" | "repositories" | "heldRepositories"> {
  const repositories: Record<string, number> = {};
  const mirrors = { managed: 0, cloned: 0 };
  let heldRepositories = 0;
  for (const { state, isManaged, isCloned, hasHolds } of counted) {
    repositories[state] = (repositories[state] ?? 0) + 1;
    if (isManaged) mirrors.managed++;
    if (isManaged && isCloned) mirrors.cloned++;
    if (hasHolds && state === "fresh") heldRepositories++;
  }
  return { repositories, mirrors, heldRepositories };
}

/** The worst first. */
const STATES = ["stale", "cloning", "fresh", "empty"] as const;

/**
 * Merges what the nodes say into the state of the whole: each repository counts at one node. Rate limits, the backstop,
 * serving and the disk are those of the first node, which is the one that is asked.
 */
export function mergeStatuses(parts: readonly [StatusView, ...StatusView[]]): StatusView {
  const [own] = parts;
  const attention = mergeAttention(parts);
  const state = STATES.find((one) => parts.some((part) => part.state === one)) ?? "stale";
  return {
    ...own,
    state,
    fresh: state === "fresh",
    mirrors: {
      managed: sum(parts, ({ mirrors }) => mirrors.managed),
      cloned: sum(parts, ({ mirrors }) => mirrors.cloned),
    },
    oldestUnprovenMs: greatest(parts.map((part) => part.oldestUnprovenMs)),
    repositories: addUp(parts.map(({ repositories }) => repositories)),
    problems: distinct(
      parts.flatMap(({ problems }) => problems),
      ({ code, detail }) => `${code} ${detail}`,
    ),
    attention: attention.first,
    attentionTotal: sum(parts, ({ attentionTotal }) => attentionTotal) - attention.doubles,
    heldRepositories: sum(parts, (part) => part.heldRepositories),
    queue: {
      depth: sum(parts, ({ queue }) => queue.depth),
      classes: own.queue.classes.map((one) => {
        const all = parts.flatMap(({ queue }) => queue.classes.filter((it) => it.class === one.class));
        return {
          ...one,
          running: sum(all, ({ running }) => running),
          slots: sum(all, ({ slots }) => slots),
          waiting: sum(all, ({ waiting }) => waiting),
        };
      }),
      held: distinct(
        parts.flatMap(({ queue }) => queue.held),
        ({ what }) => what,
      ),
      outages: distinct(
        parts.flatMap(({ queue }) => queue.outages),
        ({ server }) => server,
      ),
    },
    deliveries: {
      ...own.deliveries,
      lastWebhookAt: latest(parts.map(({ deliveries }) => deliveries.lastWebhookAt)),
      lastReadAt: latest(parts.map(({ deliveries }) => deliveries.lastReadAt)),
    },
    github: { ...own.github, calls: sum(parts, ({ github }) => github.calls) },
    announce: mergeConsumers(parts),
  };
}

/** Each kind of entry in the order of the first node, which is that of all nodes. */
const KINDS = ["outage", "problem", "failing", "held"] as const satisfies readonly AttentionView["kind"][];

function mergeAttention(parts: readonly StatusView[]) {
  const all = parts.flatMap(({ attention }) => attention);
  const each = distinct(all, (one) =>
    JSON.stringify([one.kind, one.code, one.repository, one.ref, one.detail]),
  );
  const sorted = KINDS.flatMap((kind) => each.filter((one) => one.kind === kind));
  return { first: sorted.slice(0, MAX_ATTENTION), doubles: all.length - each.length };
}

function mergeConsumers(parts: readonly StatusView[]): StatusView["announce"] {
  const names = new Set(parts.flatMap(({ announce }) => announce.map(({ consumer }) => consumer)));
  return [...names].map((consumer) => {
    const all = parts.flatMap(({ announce }) => announce.filter((it) => it.consumer === consumer));
    return {
      consumer,
      pending: sum(all, ({ pending }) => pending),
      repositories: sum(all, ({ repositories }) => repositories),
      oldestAgeMs: greatest(all.map(({ oldestAgeMs }) => oldestAgeMs)),
      lastError: all.find(({ lastError }) => lastError !== null)?.lastError ?? null,
      dropped: sum(all, ({ dropped }) => dropped),
    };
  });
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((n, one) => n + of(one), 0);

const isThere = <T>(value: T | null): value is T => value !== null;

function greatest(all: readonly (number | null)[]): number | null {
  const numbers = all.filter(isThere);
  return numbers.length === 0 ? null : Math.max(...numbers);
}

/** Times in ISO 8601 are in the order of their letters. */
const latest = (all: readonly (string | null)[]): string | null => all.filter(isThere).sort().at(-1) ?? null;

function addUp(all: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all)
    for (const [key, count] of Object.entries(one)) total[key] = (total[key] ?? 0) + count;
  return total;
}

function distinct<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map([...all].reverse().map((one) => [keyOf(one), one])).values()].reverse();
}
