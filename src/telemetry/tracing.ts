import { AsyncLocalStorage } from "node:async_hooks";
import { type Attributes, type Span, SpanKind } from "@opentelemetry/api";
import { asRefreshError, type RefreshError } from "../base/errors.js";
import { keyOf, type RefreshRequest, type Subject } from "../base/model.js";
import { endSpan, type Spans } from "./spans.js";

/** A delivery as it is recorded. */
interface Received {
  id: string;
  event: string;
  via: string;
  /** Milliseconds since 1970. */
  receivedAt: number;
  /** The full name, owner/name. */
  repository?: string;
}

interface Work {
  subject: Subject;
  request: Pick<RefreshRequest, "trigger" | "attempt" | "armedAt" | "deliveryId">;
}

interface Running<W> {
  run(work: W, signal: AbortSignal): Promise<void>;
  settle(work: W, error: RefreshError | null): void;
}

interface RefreshEnd {
  result: string;
  way: string;
  changed: number;
  lagMs: number;
}

/** Follows deliveries on their way, from outside: each method wraps a part, or is told by one. */
export interface Tracing {
  /** Wraps what stores verified deliveries. @param isKnown whether a delivery was stored before */
  receiving<D extends Received, X, A extends Receiving<D, X>>(
    acceptance: A,
    isKnown: (id: string) => boolean,
  ): A;
  /** Wraps what runs the work of the queue. @param nameOf the full name of a repository */
  running<W extends Work, R extends Running<W>>(worker: R, nameOf: (id: number) => string): R;
  /** Wraps git that is waited for. */
  git<C extends { args: string[] }, R>(run: (call: C) => Promise<R>): (call: C) => Promise<R>;
  /** Wraps git whose output is read while it runs. */
  gitStream<C extends { args: string[] }, S extends { done: Promise<unknown> }>(
    run: (call: C) => S,
  ): (call: C) => S;
  /** Notes what a refresh did, before its run is settled. */
  refreshEnded(repositoryId: number, end: RefreshEnd): void;
  /** Notes that the running refresh asks for a publish, which becomes part of its trace. */
  publishRequested(repositoryId: number): void;
  /** Ends the spans of runs that were abandoned. */
  abandon(): void;
}

/** What became of a delivery. */
type Outcome = "accepted" | "done";

interface Receiving<D, X> {
  accept(delivery: D, decision: X): Promise<Outcome>;
  persist(delivery: D, decision: X): Outcome;
}

const NAMES: Record<Subject["kind"], string> = {
  repository: "refresh",
  publish: "publish",
  installation: "list repositories",
  app: "list installations",
};

export function createTracing(spans: Spans): Tracing {
  /** The span of the run that the code at hand works for. */
  const current = new AsyncLocalStorage<Span>();
  /** The spans of runs, by the keys of their subjects. */
  const running = new Map<string, Span>();
  /** Refreshes that asked for a publish, by repository. */
  const publishing = new Map<number, Span>();

  function beginRun(work: Work, nameOf: (id: number) => string): Span {
    const { subject, request } = work;
    const span = { name: NAMES[subject.kind], attributes: aboutWork(work, nameOf) };
    if (subject.kind === "publish") {
      const parent = publishing.get(subject.id) ?? null;
      publishing.delete(subject.id);
      if (parent) return spans.below(parent, span);
    }
    const { deliveryId, armedAt, attempt } = request;
    if (deliveryId === null) return spans.below(null, span);
    if (attempt === 1)
      spans.ofDelivery(deliveryId, { name: "queue", attributes: {}, startTime: armedAt }).end();
    return spans.ofDelivery(deliveryId, span);
  }

  function endRun({ subject }: Work, error: RefreshError | null): void {
    const span = running.get(keyOf(subject));
    if (!span) return;
    running.delete(keyOf(subject));
    if (error) span.setAttribute("lockstep.result", error.code);
    endSpan(span, error && !error.is("postponed") ? error.code : null);
  }

  /** @returns null: git does not run for anything that is traced, or for a run that has ended */
  function beginGit({ args }: { args: string[] }): Span | null {
    const run = current.getStore();
    if (!run?.isRecording()) return null;
    const command = args[0] ?? "";
    return spans.below(run, {
      name: `git ${command}`,
      kind: SpanKind.CLIENT,
      attributes: { "lockstep.git": command },
    });
  }

  const tracing: Tracing = {
    receiving(acceptance, isKnown) {
      const note = (delivery: Received, outcome: Outcome, isFirst: boolean): Outcome => {
        if (outcome === "accepted") receive(spans, delivery, { isFirst });
        return outcome;
      };
      return {
        ...acceptance,
        async accept(delivery, decision) {
          const isFirst = !isKnown(delivery.id);
          return note(delivery, await acceptance.accept(delivery, decision), isFirst);
        },
        persist(delivery, decision) {
          const isFirst = !isKnown(delivery.id);
          return note(delivery, acceptance.persist(delivery, decision), isFirst);
        },
      };
    },
    running: (worker, nameOf) => ({
      ...worker,
      run(work, signal) {
        const span = beginRun(work, nameOf);
        running.set(keyOf(work.subject), span);
        return current.run(span, () => worker.run(work, signal));
      },
      settle(work, error) {
        try {
          worker.settle(work, error);
        } finally {
          endRun(work, error);
        }
      },
    }),
    git: (run) => (call) => {
      const span = beginGit(call);
      const result = run(call);
      if (span) follow(span, result);
      return result;
    },
    gitStream: (run) => (call) => {
      const span = beginGit(call);
      const stream = run(call);
      if (span) follow(span, stream.done);
      return stream;
    },
    refreshEnded(id, { result, way, changed, lagMs }) {
      const attributes = {
        "lockstep.result": result,
        "lockstep.way": way,
        "lockstep.changed": changed,
        "lockstep.lag_ms": lagMs,
      };
      running.get(keyOf({ kind: "repository", id }))?.setAttributes(attributes);
    },
    publishRequested(id) {
      const span = current.getStore();
      if (span) publishing.set(id, span);
    },
    abandon() {
      for (const span of running.values()) endSpan(span, "cancelled");
      running.clear();
    },
  };
  return tracing;
}

/** A delivery that comes again is a further span of its trace. */
function receive(spans: Spans, delivery: Received, { isFirst }: { isFirst: boolean }): void {
  const { id, event, via, receivedAt, repository } = delivery;
  const span = {
    name: "receive",
    kind: via === "webhook" ? SpanKind.SERVER : SpanKind.CLIENT,
    startTime: receivedAt,
    attributes: {
      "lockstep.delivery": id,
      "lockstep.event": event,
      "lockstep.via": via,
      ...(repository && { "lockstep.repository": repository }),
    },
  };
  (isFirst ? spans.first(id, span) : spans.ofDelivery(id, span)).end();
}

function aboutWork({ subject, request }: Work, nameOf: (id: number) => string): Attributes {
  const { trigger, attempt, deliveryId } = request;
  return {
    "lockstep.trigger": trigger,
    "lockstep.attempt": attempt,
    ...(deliveryId && { "lockstep.delivery": deliveryId }),
    ...((subject.kind === "repository" || subject.kind === "publish") && {
      "lockstep.repository": nameOf(subject.id),
    }),
  };
}

function follow(span: Span, result: Promise<unknown>): void {
  result.then(
    () => endSpan(span),
    (error: unknown) => endSpan(span, asRefreshError(error).code),
  );
}
