import { spokenSize } from "../../base/units.js";
import type { StatusView } from "../status-view.js";
import type { TrendsView } from "../trends.js";
import { Due } from "./parts.js";

type Limit = StatusView["github"]["limits"][number];

const shareLeft = ({ limit, remaining }: Limit) => remaining / Math.max(1, limit);

/** When the disk will be full, by the figures of the last week. */
export type Forecast = { fullAt: string } | "too early" | "not filling up";

const DAY_MS = 86_400_000;

/** A forecast needs the figures of a day. @param week the trends of the last week */
export function forecastOf({ from, stepMs, points, diskFullAt }: TrendsView): Forecast {
  if (diskFullAt !== null) return { fullAt: diskFullAt };
  const first = points.findIndex((point) => point !== null);
  const isEarly = first < 0 || Date.now() - (Date.parse(from) + first * stepMs) < DAY_MS;
  return isEarly ? "too early" : "not filling up";
}

const FORECASTS = {
  "too early": "when it will be full can be said after one day",
  "not filling up": "at the pace of the last week it does not fill up",
} as const;

interface MetersProps {
  of: StatusView;
  forecast: Forecast;
  /** So many of GitHub's limits are shown, those with the least left first. */
  most: number;
}

/** Shows how much is left of what can run out. */
export const Meters = ({ of: status, forecast, most }: MetersProps) => (
  <section class="box" aria-label="Room left">
    <h2>Room left</h2>
    <Limits of={status.github.limits} most={most} />
    <div class="meter">
      <div>
        <span>Disk</span>
        <span class="num dim">
          {spokenSize(status.disk.freeBytes)} of {spokenSize(status.disk.totalBytes)} free
        </span>
      </div>
      <progress
        class={status.disk.low || status.disk.full ? "low" : undefined}
        max={status.disk.totalBytes}
        value={status.disk.freeBytes}
        aria-label="Free on the disk"
      />
      <p class="dim small">
        {status.disk.low || status.disk.full ? (
          <span class="bad">less than is needed</span>
        ) : typeof forecast === "string" ? (
          FORECASTS[forecast]
        ) : (
          <>
            full <Due at={forecast.fullAt} /> at the pace of the last week
          </>
        )}
      </p>
    </div>
    <div class="meter">
      <div>
        <span>Queue</span>
        <span class="num dim">
          {status.queue.depth === 0 ? "nothing waits" : `${status.queue.depth.toLocaleString("en")} requests`}
        </span>
      </div>
    </div>
  </section>
);

const Limits = ({ of, most }: { of: Limit[]; most: number }) => (
  <>
    {of
      .toSorted((a, b) => shareLeft(a) - shareLeft(b))
      .slice(0, most)
      .map((each) => (
        <LimitMeter of={each} />
      ))}
    {of.length > most && (
      <p class="meter dim small">{(of.length - most).toLocaleString("en")} more accounts have more left.</p>
    )}
    {of.length === 0 && <p class="meter dim">GitHub has not reported a limit of its API yet.</p>}
  </>
);

/** An account has no name until its repositories were listed for the first time. */
const nameOf = ({ account, whose }: Limit): string =>
  account === whose ? "a new account" : (account ?? "the App");

function LimitMeter({ of: each }: { of: Limit }) {
  const { limit, remaining, resetsAt, heldUntil } = each;
  const whose = nameOf(each);
  return (
    <div class="meter">
      <div>
        <span>GitHub's API, {whose}</span>
        <span class="num dim">
          {remaining.toLocaleString("en")} of {limit.toLocaleString("en")} left
        </span>
      </div>
      <progress
        class={remaining < limit / 10 ? "low" : undefined}
        max={limit}
        value={remaining}
        aria-label={`Left of GitHub's API, ${whose}`}
      />
      <p class="dim small">
        renews <Due at={resetsAt} />
        {heldUntil && (
          <span class="bad">
            , and GitHub asks to wait <Due at={heldUntil} />
          </span>
        )}
      </p>
    </div>
  );
}

const CLASSES: Record<StatusView["queue"]["classes"][number]["class"], string> = {
  short: "Refreshes",
  long: "Clones and long work",
  list: "Lists of GitHub's",
  publish: "Publishing of trees",
};

/** Shows how many of the slots of each class of work are taken, and what waits for one. */
export const ClassMeters = ({ of: classes }: { of: StatusView["queue"]["classes"] }) => (
  <section class="box" aria-label="Work">
    <h2>Work</h2>
    {classes.map(({ class: each, running, slots, waiting }) => (
      <div class="meter">
        <div>
          <span>{CLASSES[each]}</span>
          <span class="num dim">
            {running} of {slots} slots{waiting > 0 && `, ${waiting.toLocaleString("en")} waiting`}
          </span>
        </div>
        <progress max={slots} value={running} aria-label={`Taken slots: ${CLASSES[each]}`} />
      </div>
    ))}
  </section>
);
