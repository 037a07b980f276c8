import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Log } from "../base/log.js";
import { settleWithin } from "../base/within.js";
import { reportFailures } from "./exports.js";
import { type PrometheusMetric, producerOf } from "./prometheus.js";
import { createSpans } from "./spans.js";
import { createTracing, type Tracing } from "./tracing.js";

export interface TelemetryOptions {
  tracesUrl: string | null;
  metricsUrl: string | null;
  /** The share of traces that is sent, from 0 to 1. */
  ratio: number;
  metricsEveryMs: number;
  /** Reads the metrics as prom-client has them. */
  readMetrics(): Promise<PrometheusMetric[]>;
  version: string;
  log: Pick<Log, "info" | "warn">;
}

export interface Telemetry {
  /** null: no traces are sent. */
  tracing: Tracing | null;
  /** Sends what is left, for at most two seconds. */
  close(): Promise<void>;
}

/** A stop waits this long for a receiver that does not answer. */
const CLOSE_MS = 2_000;
/** A receiver has this long for an answer, and a request is sent again within it. */
const SEND_MS = 10_000;

/**
 * Sends traces and metrics by OTLP over HTTP, as JSON. Headers, certificates and attributes of the resource are read from the
 * environment by the packages.
 */
export function openTelemetry(options: TelemetryOptions): Telemetry {
  const resource = resourceFromAttributes({
    "service.name": "lockstep",
    "service.version": options.version,
  }).merge(detectResources({ detectors: [envDetector] }));
  const { tracing, closeTraces } = openTraces(options, resource);
  const closeMetrics = openMetrics(options, resource);
  return {
    tracing,
    async close() {
      tracing?.abandon();
      await settleWithin(CLOSE_MS, Promise.allSettled([closeTraces(), closeMetrics()])).catch(() => {});
    },
  };
}

const NOTHING = async () => {};

function openTraces({ tracesUrl, ratio, version, log }: TelemetryOptions, resource: Resource) {
  if (tracesUrl === null) return { tracing: null, closeTraces: NOTHING };
  const exporter = new OTLPTraceExporter({ url: tracesUrl, timeoutMillis: SEND_MS });
  // The processor keeps 2,048 spans, and drops what comes beyond them.
  const processor = new BatchSpanProcessor(reportFailures(exporter, "traces", log), {
    scheduledDelayMillis: 1_000,
  });
  const spans = createSpans(processor, { resource, ratio, version });
  return { tracing: createTracing(spans), closeTraces: spans.close };
}

function openMetrics(options: TelemetryOptions, resource: Resource): () => Promise<void> {
  const { metricsUrl, metricsEveryMs, readMetrics, version, log } = options;
  if (metricsUrl === null) return NOTHING;
  const exporter = new OTLPMetricExporter({ url: metricsUrl, timeoutMillis: SEND_MS });
  const startedAt = Date.now() - process.uptime() * 1000;
  const reader = new PeriodicExportingMetricReader({
    exporter: reportFailures(exporter, "metrics", log),
    exportIntervalMillis: metricsEveryMs,
    exportTimeoutMillis: Math.min(SEND_MS, metricsEveryMs),
    metricProducers: [producerOf(readMetrics, { resource, version, startedAt })],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return () => provider.shutdown();
}
