import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { createIdGenerator, idsOf, type TraceIds } from "./ids.js";

/** A span to be started. */
export interface NewSpan {
  name: string;
  kind?: SpanKind;
  attributes: Attributes;
  /** Milliseconds since 1970; default: now. */
  startTime?: number;
}

/** Starts spans in the traces of deliveries. */
export interface Spans {
  /** Starts the first span of a delivery's trace. */
  first(deliveryId: string, span: NewSpan): Span;
  /** Starts a span in the trace of a delivery, below its first one. */
  ofDelivery(deliveryId: string, span: NewSpan): Span;
  /** Starts a span below another one; null: in a trace of its own. */
  below(parent: Span | null, span: NewSpan): Span;
  /** Sends what has ended, and stops. */
  close(): Promise<void>;
}

export function createSpans(
  processor: SpanProcessor,
  { resource, ratio, version }: { resource: Resource; ratio: number; version: string },
): Spans {
  const ids = createIdGenerator();
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const provider = new BasicTracerProvider({
    resource,
    idGenerator: ids.generator,
    sampler: new ParentBasedSampler({ root: sampler }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer("lockstep", version);

  /** The first span was started elsewhere or earlier; the share of traces that is sent follows from the id alone. */
  const contextOf = (own: TraceIds): Context => {
    const isSampled =
      sampler.shouldSample(ROOT_CONTEXT, own.traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
    const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
    return trace.setSpanContext(ROOT_CONTEXT, { ...own, traceFlags, isRemote: true });
  };
  return {
    first: (deliveryId, span) => ids.withIds(idsOf(deliveryId), () => start(tracer, span, ROOT_CONTEXT)),
    ofDelivery: (deliveryId, span) => start(tracer, span, contextOf(idsOf(deliveryId))),
    below: (parent, span) => start(tracer, span, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT),
    close: () => provider.shutdown(),
  };
}

const start = (
  tracer: Tracer,
  { name, kind = SpanKind.INTERNAL, ...options }: NewSpan,
  parent: Context,
): Span => tracer.startSpan(name, { kind, ...options }, parent);

/** Ends a span. @param code why what it stands for failed, as in the log; null: it has not failed */
export function endSpan(span: Span, code: string | null = null): void {
  if (code !== null) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code);
  span.end();
}
