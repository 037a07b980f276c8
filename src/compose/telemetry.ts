import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import { programVersion } from "../base/version.js";
import type { Config } from "../config/load.js";
import type { Tracing } from "../telemetry/tracing.js";
import type { Metrics } from "../watch/metrics.js";

interface Needs {
  log: Log;
  metrics: Pick<Metrics, "read">;
  releasers: Releasers;
}

/** Nothing of OpenTelemetry is loaded without an endpoint. @returns null: no traces are sent */
export async function openTracing(
  { telemetry }: Pick<Config, "telemetry">,
  { log, metrics, releasers }: Needs,
): Promise<Tracing | null> {
  if (!telemetry) return null;
  const { unusable, ...settings } = telemetry;
  if (unusable !== null) {
    log.warn({ event: "telemetry_off", reason: unusable }, "no traces and no metrics are sent");
    return null;
  }
  const { openTelemetry } = await import("../telemetry/open.js");
  const opened = openTelemetry({ ...settings, readMetrics: metrics.read, version: programVersion(), log });
  releasers.add("telemetry", opened.close);
  return opened.tracing;
}
