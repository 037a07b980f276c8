import { duration, durationUnit } from "../../base/units.js";
import type { RefreshView } from "../log-view.js";
import { drawBars, hourOf } from "./chart.js";
import { Ago, Table } from "./parts.js";
import { Plot } from "./plot.js";

/** Shows how long the last pushes took to arrive in the mirror, and the same as a table. @param of newest first */
export function LagChart({ of }: { of: RefreshView[] }) {
  const pushes = of.filter(({ trigger }) => trigger === "push").reverse();
  if (pushes.length === 0) return null;
  const lags = pushes.filter(({ reason }) => reason === null).map(({ lagMs }) => lagMs);
  const bars = pushes.map(({ lagMs, reason, endedAt }) => ({
    value: lagMs,
    isFault: reason !== null,
    title: `${hourOf(endedAt)} UTC: ${duration(lagMs)}${reason === null ? "" : ", failed"}`,
  }));
  const { svg, top } = drawBars(bars, { format: duration, unit: durationUnit });
  const note = noteOf(lags, pushes.length - lags.length);
  return (
    <figure class="box chart">
      <figcaption>
        <span>
          Push to mirror{" "}
          <span class="legend" aria-hidden="true">
            <span class="key">refreshed</span>{" "}
            {lags.length < pushes.length && <span class="key fault">failed</span>}
          </span>
        </span>{" "}
        <span>{note}</span>
      </figcaption>
      <Plot label={`Lag of the last ${pushes.length} pushes: ${note}`} svg={svg} top={top} />
      <div class="x" aria-hidden="true">
        <span>
          {pushes.length === 1 ? "the last push" : `the last ${pushes.length} pushes, the oldest first`}
        </span>
        <time datetime={pushes.at(-1)!.endedAt} data-local="minute">
          {hourOf(pushes.at(-1)!.endedAt)} UTC
        </time>
      </div>
      <details class="figures">
        <summary>As a table</summary>
        <Table
          caption="Lag of the last pushes, newest first"
          columns={["Ended", "Lag", "Took", "Result"]}
          rows={pushes
            .toReversed()
            .map((push) => [
              <Ago at={push.endedAt} />,
              duration(push.lagMs),
              duration(push.durationMs),
              push.result,
            ])}
          empty=""
        />
      </details>
    </figure>
  );
}

function noteOf(lags: number[], failed: number): string {
  const failures = failed === 0 ? [] : [`${failed} failed`];
  if (lags.length === 0) return failures.join();
  const sorted = lags.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return [`${duration(median)} median`, `${duration(sorted.at(-1)!)} at most`, ...failures].join(", ");
}
