import type { Outbox } from "../announce/outbox.js";
import type { Announcement, WorkEventType } from "../base/model.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { Layout } from "../git/disk/layout.js";
import type { ActivityView, Beat, OverviewPorts } from "../http/overview.js";
import type { RefusedCalls } from "../receiver/refused.js";
import type { BriefRefresh, RefreshLog } from "../refresh/log.js";
import { viewOnce } from "./view-once.js";

interface Ports {
  refusedCalls: Pick<RefusedCalls, "list">;
  layout: Pick<Layout, "link">;
  /** GitHub's address, without a trailing slash. */
  gitUrl: string;
  /** Where mirrors are served; null: nowhere. */
  servedUrl: string | null;
  subjectOf: OverviewPorts["subject"];
  outbox: Pick<Outbox, "newest" | "latestOf">;
  refreshes: Pick<RefreshLog, "brief">;
}

/** So many refreshes are drawn of each repository. */
const BEATS = 30;
/** An event is made just before its refresh is recorded; this much later is another refresh. */
const SAME_MS = 2_000;

type Beats = ReturnType<OverviewPorts["beats"]>;

export interface Overview extends Omit<OverviewPorts, "ranked"> {
  /** Lists the last refreshes of several repositories. */
  beatsOf(ids: readonly number[]): Map<number, Beats>;
}

/** Shows what was done last, and the last refreshes in short. */
export function createOverview(ports: Ports): Overview {
  const { outbox, refreshes } = ports;

  function ofOne(limit: number, id: number): Announcement[] {
    const found: Announcement[] = [];
    for (const event of outbox.latestOf(id, Number.MAX_SAFE_INTEGER)) {
      if (found.length === limit) break;
      if (isWork(event)) found.push(event);
    }
    return found;
  }

  function beatsOf(ids: readonly number[]) {
    return new Map([...refreshes.brief(ids, BEATS)].map(([id, newestFirst]) => [id, viewBeats(newestFirst)]));
  }

  return {
    subject: ports.subjectOf,
    refused() {
      const { refused, total } = ports.refusedCalls.list();
      return { refused: refused.map((one) => ({ ...one, lastAt: iso(one.lastAt) })), total };
    },
    places(name) {
      const { gitUrl, servedUrl, layout } = ports;
      const served = servedUrl === null ? null : `${servedUrl}/${fullName(name)}.git`;
      return { github: `${gitUrl}/${fullName(name)}`, path: layout.link(name), served };
    },
    activity(limit, id) {
      const found = (id === null ? outbox.newest(limit) : ofOne(limit, id)).filter(isWork);
      const ids = new Set(found.map(({ repository }) => repository.id));
      const last = refreshes.brief([...ids], BEATS);
      return found.map((event) => activityOf(event, lagOf(event, last.get(event.repository.id) ?? [])));
    },
    beats: (id) => beatsOf([id]).get(id) ?? NO_BEATS,
    beatsOf,
  };
}

/** Those of a repository that was never refreshed. */
export const NO_BEATS: Beats = { beats: [], lags: [] };

const beatOf = ({ hasFailed, changed, isPush }: BriefRefresh): Beat =>
  hasFailed ? "bad" : changed > 0 || isPush ? "good" : "none";

const viewBeats = viewOnce((newestFirst: readonly BriefRefresh[]): Beats => {
  const last = newestFirst.toReversed();
  const pushes = last.filter(({ isPush, hasFailed }) => isPush && !hasFailed);
  return { beats: last.map(beatOf), lags: pushes.map(({ lagMs }) => Math.max(0, lagMs)) };
});

type WorkEvent = Announcement & { type: WorkEventType };

const isWork = (event: Announcement): event is WorkEvent => event.trigger !== null;

function lagOf({ type, trigger, at }: Announcement, last: readonly BriefRefresh[]): number | null {
  if (type !== "changed" || trigger !== "push") return null;
  const madeAt = Date.parse(at);
  const ended = last.filter(({ endedAt, isPush }) => isPush && endedAt >= madeAt);
  const first = ended.at(-1);
  return first && first.endedAt - madeAt < SAME_MS ? Math.max(0, first.lagMs) : null;
}

function activityOf(event: WorkEvent, lagMs: number | null): ActivityView {
  const { id, at, repository, type, changed, changes, checkouts, refused } = event;
  const [first = null] = { changed: changes, cloned: [], published: checkouts, refused }[type];
  return {
    id,
    at,
    repository: fullName(repository),
    type,
    changed: type === "published" ? checkouts.length : changed,
    ref: first?.ref ?? null,
    before: first?.before ?? null,
    after: first?.after ?? null,
    lagMs,
  };
}
