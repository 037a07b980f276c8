import { expect, test } from "vitest";
import { telemetryOf } from "../../src/config/telemetry.js";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };

test("without an endpoint nothing is sent, whatever else is set", () => {
  expect(telemetryOf({})).toBe(null);
  expect(telemetryOf({ OTEL_TRACES_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "otlp" })).toBe(null);
});

test("one endpoint is enough for traces and metrics, and each may have its own, or none", () => {
  expect(telemetryOf(ENDPOINT)).toEqual({
    tracesUrl: "http://collector:4318/v1/traces",
    metricsUrl: "http://collector:4318/v1/metrics",
    ratio: 1,
    metricsEveryMs: 60_000,
    unusable: null,
  });
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example.com/in" };
  expect(telemetryOf(own)).toMatchObject({ tracesUrl: "https://traces.example.com/in", metricsUrl: null });
  expect(telemetryOf({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" })).toMatchObject({ tracesUrl: null });
  const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" };
  expect(telemetryOf({ ...ENDPOINT, ...none })).toBe(null);
  expect(telemetryOf({ ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" })).toBe(null);
});

test.each([
  [{}, 1],
  [{ OTEL_TRACES_SAMPLER: "always_off" }, 0],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" }, 0.25],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "a lot" }, 1],
  [{ OTEL_TRACES_SAMPLER: "xray", OTEL_TRACES_SAMPLER_ARG: "0.25" }, 1],
])("%j sends the share %d of the traces", (given, ratio) => {
  expect(telemetryOf({ ...ENDPOINT, ...given })?.ratio).toBe(ratio);
});

test("what the platform sets for other programs does not keep Lockstep from starting", () => {
  const unusable = (given: object) => telemetryOf({ ...ENDPOINT, ...given })?.unusable;
  expect(unusable({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toContain("http/json");
  expect(unusable({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })).toContain("not an http(s) URL");
  expect(telemetryOf({ ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: "soon" })?.metricsEveryMs).toBe(60_000);
});
