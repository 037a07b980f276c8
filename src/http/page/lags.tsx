import { scaleLinear } from "d3-scale";
import { raw } from "hono/html";
import { duration } from "../../base/units.js";
import type { RefreshView } from "../log-view.js";
import { HEIGHT, hourOf, WIDTH } from "./chart.js";
import { Ago, Table } from "./parts.js";

/** No more than a quarter of the chart is one bar. */
const LEAST_STEPS = 4;

const round = (value: number) => Math.round(value * 10) / 10;

/** Shows how long the last pushes took to arrive in the mirror, and the same as a table. @param of newest first */
export function LagChart({ of }: { of: RefreshView[] }) {
  const pushes = of.filter(({ trigger }) => trigger === "push").reverse();
  if (pushes.length === 0) return null;
  const lags = pushes.filter(({ reason }) => reason === null).map(({ lagMs }) => lagMs);
  const { svg, top } = drawLags(pushes);
  const note = noteOf(lags, pushes.length - lags.length);
  return (
    <figure class="box chart">
      <figcaption>
        <span>
          Push to mirror{" "}
          <span class="legend" aria-hidden="true">
            <span class="key">brought</span>{" "}
            {lags.length < pushes.length && <span class="key fault">failed</span>}
          </span>
        </span>{" "}
        <span>{note}</span>
      </figcaption>
      <div class="plot">
        <svg
          role="img"
          aria-label={`Lag of the last ${pushes.length} pushes: ${note}`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
        >
          {raw(svg)}
        </svg>
        <span class="y" aria-hidden="true">
          {top}
        </span>
      </div>
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

/** Draws a bar for each push: numbers and fixed words only, so the text is safe as markup. */
function drawLags(pushes: RefreshView[]): { svg: string; top: string } {
  const y = scaleLinear()
    .domain([0, Math.max(1, ...pushes.map(({ lagMs }) => lagMs))])
    .nice(2)
    .range([HEIGHT, 0]);
  const step = WIDTH / Math.max(LEAST_STEPS, pushes.length);
  const grid = [0, 0.5, 1].map(
    (part) => `<line x1="0" x2="${WIDTH}" y1="${part * HEIGHT}" y2="${part * HEIGHT}"/>`,
  );
  const bars = pushes.map(({ lagMs, reason, endedAt }, n) => {
    const top = Math.min(y(lagMs), HEIGHT - 2);
    const at = round(n * step);
    const title = `${hourOf(endedAt)} UTC: ${duration(lagMs)}${reason === null ? "" : ", failed"}`;
    const shape = `M${round(at + step * 0.125)} ${HEIGHT}V${round(top)}h${round(step * 0.75)}V${HEIGHT}z`;
    return (
      `<path class="${reason === null ? "bar" : "fault"}" d="${shape}"/>` +
      `<rect class="hit" x="${at}" y="0" width="${round(step)}" height="${HEIGHT}"><title>${title}</title></rect>`
    );
  });
  return { svg: grid.join("") + bars.join(""), top: duration(y.domain()[1]!) };
}
