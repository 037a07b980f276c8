import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import type { Log } from "../base/log.js";
import type { Trigger } from "../base/model.js";
import type { Config } from "../config/load.js";
import type { RunProgram } from "../machine/programs.js";
import type { Store } from "../store/database.js";
import type { Facts } from "../store/facts.js";
import { createBacklog, type Delay, type Lag } from "./backlog.js";
import type { Consumer } from "./consumer.js";
import { createDispatcher } from "./dispatch.js";
import { createHook } from "./hook.js";
import type { LifeEvent } from "./life.js";
import { createOutbox, type Outbox, type Repository } from "./outbox.js";
import { createPostAgent } from "./post.js";
import { pruneAnnounced } from "./prune.js";
import { hasToldHere, type Tellers, type ToldQuestion } from "./tellers.js";
import { createWebhook } from "./webhook.js";

type Settings = Pick<
  Config,
  "announceHook" | "announceTimeoutMs" | "announceUrls" | "announceSecret" | "searchPath" | "dataDir"
>;

interface Tools extends Settings {
  store: Store;
  facts: Facts;
  mirrorOf(id: number): string;
  runProgram: RunProgram;
  /** Which node of a cluster announces a repository to URLs; null: this Lockstep is alone. */
  tellers: Tellers | null;
  log: Log;
  now(): number;
}

export interface Announcer {
  outbox: Outbox;
  /**
   * Turns what a refresh did into events. Inside a transaction the events join it; consumers get them after
   * it.
   * @param published the refs that trees are published from
   */
  announce(repository: Repository, trigger: Trigger, published: readonly string[]): void;
  /** Turns what a publish did into events, unless a refresh has to announce its changes first. */
  announceTrees(repository: Repository, trigger: Trigger): void;
  /** Announces what became of a repository. Inside a transaction the events join it; consumers get them after it. */
  announceLife(repository: Repository, events: LifeEvent[]): void;
  /** Starts delivery to consumers, beginning with the events that an earlier process left. */
  start(): void;
  /**
   * Deletes events older than a week, and the backlog of consumers that did not accept them.
   * @param now milliseconds since 1970 @throws what the database throws
   */
  prune(now: number, signal?: AbortSignal): Promise<void>;
  /**
   * Answers another node whether a consumer has heard of its event from this one.
   * @param provenAt when the repository's mirror here was last proven, in milliseconds since 1970; null: never
   */
  hasTold(question: ToldQuestion, provenAt: number | null): boolean;
  delays(): (Delay & { consumer: string })[];
  lags(): (Lag & { consumer: string })[];
  /** Emits "event" when new events exist. */
  newEvents: EventEmitter;
  stop(ms: number): Promise<void>;
}

/** Consumers that are away, and readers of the event stream, can catch up for this long. */
const KEEP_MS = 7 * 86_400_000;

/** Announces what refreshes changed, at least once and in order for each repository. */
export function createAnnouncer(tools: Tools): Announcer {
  const { store, tellers, log, now } = tools;
  const outbox = createOutbox({ store, mirrorOf: tools.mirrorOf, now });
  const backlog = createBacklog(store, now);
  const agent = createPostAgent();
  const consumers = consumersOf(tools, agent);
  const dispatchers = consumers.map((consumer) =>
    createDispatcher({ outbox, backlog, tellers, log, now }, consumer),
  );
  const shared = consumers.filter(({ isShared }) => isShared).map(({ key }) => key);
  const newEvents = new EventEmitter().setMaxListeners(0);
  backlog.keepOnly(consumers.map(({ key }) => key));

  let isNotifying = false;

  /** Many events of one turn, such as a list of GitHub's with many new names, wake consumers once. */
  function notifySoon(): void {
    if (!isNotifying) setImmediate(notify);
    isNotifying = true;
  }

  function notify(): void {
    isNotifying = false;
    for (const { wake } of dispatchers) wake();
    newEvents.emit("event");
  }

  /** Consumers are notified only after the transaction around this call has been committed. */
  function announce(repository: Repository, publish: () => number[]): void {
    const [first] = store.transaction(() => {
      const ids = publish();
      if (ids[0] !== undefined) for (const { key } of consumers) backlog.add(key, repository.id, ids[0]);
      return ids;
    });
    if (first !== undefined) notifySoon();
  }

  return {
    outbox,
    newEvents,
    announce: (repository, trigger, published) =>
      announce(repository, () => outbox.publish(repository, trigger, published)),
    announceTrees: (repository, trigger) =>
      announce(repository, () => outbox.publishTrees(repository, trigger)),
    announceLife: (repository, events) => announce(repository, () => outbox.addLife(repository, events)),
    start: notify,
    prune: (time, signal) => pruneAnnounced({ outbox, backlog, consumers, log }, time - KEEP_MS, signal),
    hasTold: (question, provenAt) =>
      hasToldHere({ consumers: shared, outbox, backlog, now }, question, provenAt),
    delays: () => consumers.map(({ key, shown }) => ({ consumer: shown, ...backlog.delay(key) })),
    lags: () => consumers.map(({ key, shown }) => ({ consumer: shown, ...backlog.lag(key) })),
    async stop(ms) {
      newEvents.emit("event");
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop(ms)));
      await agent.destroy();
    },
  };
}

function consumersOf(tools: Tools, agent: ReturnType<typeof createPostAgent>): Consumer[] {
  const { announceHook: file, announceTimeoutMs: timeoutMs, announceUrls, announceSecret: secret } = tools;
  const origin = tools.facts.get<string>("announce-origin") ?? randomBytes(6).toString("hex");
  tools.facts.set("announce-origin", origin);
  const { searchPath, dataDir, runProgram, log } = tools;
  const hook = file === null ? [] : [createHook({ file, timeoutMs, searchPath, dataDir, runProgram, log })];
  if (secret === null) return hook;
  return [...hook, ...announceUrls.map((url) => createWebhook(url, { secret, origin, agent }))];
}
