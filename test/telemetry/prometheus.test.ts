import { Counter, Gauge, Histogram, Registry, Summary } from "prom-client";
import { expect, test } from "vitest";
import { convert } from "../../src/telemetry/prometheus.js";

const TIMES = { startTime: [1, 0] as [number, number], endTime: [2, 0] as [number, number] };

test("counters, gauges and histograms of Prometheus are those of OpenTelemetry", async () => {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: "done_total", help: "Done.", labelNames: ["by"], registers }).inc({ by: "me" }, 3);
  new Gauge({ name: "free_bytes", help: "Free.", registers }).set(7);
  const took = new Histogram({
    name: "took_seconds",
    help: "Took.",
    labelNames: ["by"],
    buckets: [1, 2],
    registers,
  });
  for (const seconds of [0.5, 1.5, 1.6, 30]) took.observe({ by: "me" }, seconds);
  new Summary({ name: "old", help: "Old.", registers }).observe(1);

  const converted = (await registry.getMetricsAsJSON()).flatMap((one) => convert(one, TIMES));
  expect(
    converted.map(({ descriptor, dataPoints }) => [descriptor.name, descriptor.unit, dataPoints]),
  ).toEqual([
    ["done_total", "", [{ ...TIMES, attributes: { by: "me" }, value: 3 }]],
    ["free_bytes", "By", [{ ...TIMES, attributes: {}, value: 7 }]],
    [
      "took_seconds",
      "s",
      [
        {
          ...TIMES,
          attributes: { by: "me" },
          value: { buckets: { boundaries: [1, 2], counts: [1, 2, 1] }, sum: 33.6, count: 4 },
        },
      ],
    ],
  ]);
});
