import { createSignal, type Subscribe } from "../base/signal.js";

/** A server of GitHub's that answers nobody. Times are in milliseconds since 1970, by the steady clock. */
export interface Outage {
  /** Such as `git:github.com`, or `rest`. */
  server: string;
  since: number;
  /** When the next subject tries; null: as soon as one that may try has a slot. */
  nextProbeAt: number | null;
}

export interface Outages {
  /** Notes that the server did not answer a subject's run. @returns whether the server is out */
  failed(server: string, key: string): boolean;
  /** Notes that the server has answered. @returns whether this ended an outage */
  reached(server: string): boolean;
  isOut(server: string): boolean;
  /** Returns the subject that probed last, when a probe is due; null: no probe is due. */
  dueProbe(server: string): { last: string | null } | null;
  /** Notes that a subject begins to probe. */
  probing(server: string, key: string): void;
  /**
   * Returns the milliseconds until the next probe that was not due yet at that time; null: none is foreseen. One that has
   * become due since is due in 0: who looked for probes meanwhile may have come too early for it.
   */
  nextProbeIn(lookedAt: number): number | null;
  list(): Outage[];
  /** Reports that a server is out, or back. */
  onChange: Subscribe<[server: string, now: "out" | "back"]>;
}

/** So many subjects without an answer, within this time and without a success between, make an outage. */
const SUBJECTS = 3;
const WITHIN_MS = 30_000;
/** The waits from one probe to the next; the last one is repeated. */
export const PROBE_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

interface State {
  /** When each subject was last left without an answer. */
  failures: Map<string, number>;
  since: number | null;
  nextProbeAt: number;
  probes: number;
  lastProbe: string | null;
}

/**
 * Knows which servers are out. A restart may forget it: the first runs find out again.
 * @param now the steady clock, in milliseconds
 */
export function createOutages(now: () => number): Outages {
  const states = new Map<string, State>();
  const changed = createSignal<[server: string, now: "out" | "back"]>();
  const outs = () => [...states].filter(([, { since }]) => since !== null);
  const stateOf = (server: string): State => {
    const fresh: State = { failures: new Map(), since: null, nextProbeAt: 0, probes: 0, lastProbe: null };
    const state = states.get(server) ?? fresh;
    states.set(server, state);
    return state;
  };

  return {
    failed(server, key) {
      const state = stateOf(server);
      if (state.since !== null) return true;
      const at = now();
      state.failures.set(key, at);
      for (const [other, failedAt] of state.failures)
        if (failedAt < at - WITHIN_MS) state.failures.delete(other);
      if (state.failures.size < SUBJECTS) return false;
      state.since = at;
      state.nextProbeAt = at + PROBE_MS[0]!;
      changed.emit(server, "out");
      return true;
    },
    reached(server) {
      const wasOut = states.get(server)?.since != null;
      states.delete(server);
      if (wasOut) changed.emit(server, "back");
      return wasOut;
    },
    isOut: (server) => states.get(server)?.since != null,
    dueProbe(server) {
      const state = states.get(server);
      if (!state || state.since === null || state.nextProbeAt > now()) return null;
      return { last: state.lastProbe };
    },
    probing(server, key) {
      const state = stateOf(server);
      state.lastProbe = key;
      state.probes += 1;
      // The next probe does not wait for this one, which may hang.
      state.nextProbeAt = now() + (PROBE_MS[state.probes] ?? PROBE_MS.at(-1)!);
    },
    nextProbeIn(lookedAt) {
      const later = outs().filter(([, { nextProbeAt }]) => nextProbeAt > lookedAt);
      if (later.length === 0) return null;
      return Math.max(0, Math.min(...later.map(([, { nextProbeAt }]) => nextProbeAt)) - now());
    },
    onChange: changed.on,
    list: () =>
      outs().map(([server, { since, nextProbeAt }]) => ({
        server,
        since: since!,
        nextProbeAt: nextProbeAt > now() ? nextProbeAt : null,
      })),
  };
}
