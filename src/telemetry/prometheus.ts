import { type HrTime, ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

/** A metric as prom-client's `getMetricsAsJSON` returns it. */
export interface PrometheusMetric {
  name: string;
  help: string;
  /** A word in new versions, a number in older ones. */
  type: unknown;
  values: PrometheusValue[];
}

interface PrometheusValue {
  value: number;
  labels: Partial<Record<string, string | number>>;
  /** Of a histogram: the name with `_bucket`, `_sum` or `_count`. */
  metricName?: string;
}

interface Times {
  /** When counting began: at the start of this process. */
  startTime: HrTime;
  endTime: HrTime;
}

const timeOf = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];

/** Hands on the metrics that /metrics has, under the same names, so that there is one list of them. */
export function producerOf(
  read: () => Promise<PrometheusMetric[]>,
  { resource, version, startedAt }: { resource: Resource; version: string; startedAt: number },
): MetricProducer {
  return {
    async collect() {
      const metrics = await read();
      const times = { startTime: timeOf(startedAt), endTime: timeOf(Date.now()) };
      return {
        resourceMetrics: {
          resource,
          scopeMetrics: [
            { scope: { name: "lockstep", version }, metrics: metrics.flatMap((one) => convert(one, times)) },
          ],
        },
        errors: [],
      };
    },
  };
}

/** Pure. @returns nothing for a summary, of which OpenTelemetry keeps no more than old ones */
export function convert({ name, help, type, values }: PrometheusMetric, times: Times): MetricData[] {
  const descriptor = {
    name,
    description: help,
    unit: name.includes("_seconds") ? "s" : name.includes("_bytes") ? "By" : "",
    valueType: ValueType.DOUBLE,
    advice: {},
  };
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  const points = values.map(({ value, labels }) => ({ ...times, attributes: defined(labels), value }));
  if (type === "counter")
    return [
      {
        descriptor,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        aggregationTemporality,
        dataPoints: points,
      },
    ];
  if (type === "gauge")
    return [
      {
        descriptor,
        dataPointType: DataPointType.GAUGE,
        aggregationTemporality,
        dataPoints: points,
      },
    ];
  if (type !== "histogram") return [];
  return [
    {
      descriptor,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality,
      dataPoints: histograms(name, values).map((point) => ({ ...times, ...point })),
    },
  ];
}

type Labels = Record<string, string | number>;

const defined = (labels: PrometheusValue["labels"]): Labels =>
  Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );

/** Prometheus counts in each bucket what is in the smaller ones, too; OpenTelemetry does not. */
function histograms(name: string, values: PrometheusValue[]) {
  const series = new Map<
    string,
    { attributes: Labels; upTo: [number, number][]; sum: number; count: number }
  >();
  for (const { value, labels, metricName } of values) {
    const { le, ...attributes } = defined(labels);
    const key = JSON.stringify(attributes);
    const one = series.get(key) ?? { attributes, upTo: [], sum: 0, count: 0 };
    series.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    else if (metricName === `${name}_count`) one.count = value;
    else if (le !== undefined && le !== "+Inf") one.upTo.push([Number(le), value]);
  }
  return [...series.values()].map(({ attributes, upTo, sum, count }) => {
    const totals = [...upTo.map(([, total]) => total), count];
    const counts = totals.map((total, index) => total - (totals[index - 1] ?? 0));
    return { attributes, value: { buckets: { boundaries: upTo.map(([le]) => le), counts }, sum, count } };
  });
}
