import type { z } from "zod";
import { hasScheme } from "./formats.js";
import type { VARIABLES } from "./variables.js";

/** Where traces and metrics go, by the variables of OpenTelemetry. */
export interface TelemetrySettings {
  /** null: no traces are sent. */
  readonly tracesUrl: string | null;
  /** null: no metrics are sent. */
  readonly metricsUrl: string | null;
  /** The share of traces that is sent, from 0 to 1. */
  readonly ratio: number;
  /** How often metrics are sent, in milliseconds. */
  readonly metricsEveryMs: number;
  /** Why nothing is sent although an endpoint is given; null: something is. */
  readonly unusable: string | null;
}

type Names = Extract<keyof z.infer<typeof VARIABLES>, `OTEL_${string}`>;
type Values = Partial<Pick<z.infer<typeof VARIABLES>, Names>>;

const METRICS_EVERY_MS = 60_000;
/** A second: the shortest time in which a receiver expects metrics. */
const LEAST_EVERY_MS = 1_000;

/**
 * The platform may set these variables for every program that it runs. What Lockstep does not understand is therefore no
 * reason not to start: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * @returns null: no endpoint is given, so that nothing is sent and nothing is loaded
 */
export function telemetryOf(values: Values): TelemetrySettings | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base } = values;
  const traces = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && below(base, "v1/traces"));
  const metrics = values.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? (base && below(base, "v1/metrics"));
  const tracesUrl = (values.OTEL_TRACES_EXPORTER !== "none" && traces) || null;
  const metricsUrl = (values.OTEL_METRICS_EXPORTER !== "none" && metrics) || null;
  if (isTrue(values.OTEL_SDK_DISABLED) || (!tracesUrl && !metricsUrl)) return null;
  const unusable = whyUnusable(values, [tracesUrl, metricsUrl]);
  const everyMs = Number(values.OTEL_METRIC_EXPORT_INTERVAL ?? METRICS_EVERY_MS);
  return {
    tracesUrl,
    metricsUrl,
    unusable,
    ratio: ratioOf(values),
    metricsEveryMs: everyMs >= LEAST_EVERY_MS ? everyMs : METRICS_EVERY_MS,
  };
}

const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === "true";

const below = (base: string, path: string): string => `${base.replace(/\/+$/, "")}/${path}`;

function whyUnusable({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol }: Values, urls: (string | null)[]) {
  if (protocol === "grpc") return "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and Lockstep speaks http/json";
  const isFit = (url: string | null) => url === null || hasScheme(url, "http:", "https:");
  return urls.every(isFit) ? null : "the endpoint of OpenTelemetry is not an http(s) URL";
}

function ratioOf({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument }: Values): number {
  if (sampler?.endsWith("always_off")) return 0;
  const ratio = Number(argument ?? 1);
  return sampler?.endsWith("traceidratio") && ratio >= 0 && ratio <= 1 ? ratio : 1;
}
