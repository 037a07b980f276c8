import { type Sees, seesBy } from "../../base/access.js";
import { selectInSlices } from "../../base/slices.js";
import type { ApiPorts } from "../../http/api.js";
import type { DeliveryView } from "../../http/log-view.js";
import type { DeliveryPage } from "../../http/logs.js";
import type { ActivityView, RankedQuery, RankedView } from "../../http/overview.js";
import type { StatusView } from "../../http/status-view.js";
import type { RepositoryView } from "../../http/view.js";
import type { Answers, Ask } from "../asking.js";
import type { Members } from "../members.js";
import { createAskOthers } from "./others.js";
import { mergePages, type Part } from "./pages.js";
import { comparePlaces, ORDERS, type RepositoryPlace } from "./places.js";
import { createRemovals } from "./removals.js";
import { type Counted, countsOf, mergeStatuses } from "./status.js";

/** What nodes ask each other for an answer about the whole. */
const KINDS = {
  list: "gather-list",
  deliveries: "gather-deliveries",
  delivery: "gather-delivery",
  status: "gather-status",
  ranked: "gather-ranked",
  activity: "gather-activity",
} as const;

interface Ports {
  self: string;
  members: Pick<Members, "all" | "get" | "placement">;
  ask: Ask;
  /** Whether what is here of the repository was set aside, because others own it. */
  isSetAside(id: number): boolean;
  /** Returns every repository of this node. */
  counted(): Counted[];
}

type Gathered = Pick<ApiPorts, "list" | "deliveries" | "delivery" | "status" | "ranked" | "activity">;
type ListQuery = Parameters<ApiPorts["list"]>[0];
type DeliveriesQuery = Parameters<ApiPorts["deliveries"]>[0];
type DeliveryPlace = NonNullable<DeliveriesQuery["after"]>;

interface ListPart extends Part<RepositoryView, RepositoryPlace> {
  /** How many repositories match for which this node answers first. */
  count: number;
}
interface RankedPart {
  rows: RankedView[];
  /** How many repositories match for which this node answers first. */
  count: number;
}
/** The list of the page goes no further, as each node gives its first rows. */
const MAX_RANKED = 500;

interface DeliveryRow {
  delivery: DeliveryView;
  place: DeliveryPlace;
}

/** The ports of this node made into those of the whole cluster. */
export interface Gathering {
  /** Answers other nodes, once `gather` was called. */
  answers: Answers;
  gather(here: ApiPorts): ApiPorts;
}

/** A query with the patterns of a limited token in place of its function. */
type Sent<Query> = Omit<Query, "sees" | "onlyHere"> & { patterns: readonly string[] | null };

export function createGathering(ports: Ports): Gathering {
  const { self, members } = ports;
  const askOthers = createAskOthers(ports);
  let here: ApiPorts | null = null;
  const own = () => {
    if (here === null) throw new Error("the node has not started yet");
    return here;
  };

  /** Of the owners that are alive the first one counts a repository. */
  const isFirst = (id: number): boolean => {
    const owners = members.placement().ownersOf(id);
    return (owners.find((name) => members.get(name)?.isAlive) ?? owners[0]) === self;
  };

  async function listPart({ patterns, ...query }: Sent<ListQuery>): Promise<ListPart> {
    const asked = { ...query, ...seesOf(patterns) };
    const { repositories, next } = await own().list(asked);
    const rows = repositories
      .filter(({ id }) => !ports.isSetAside(id))
      .map((one) => ({ ...one, node: self }));
    const ids = await own().idsOf(asked);
    return { rows, next, count: (await selectInSlices(ids, isFirst)).length };
  }

  async function deliveriesPart({ patterns, ...query }: Sent<DeliveriesQuery>) {
    const { deliveries, places, next } = await own().deliveries({ ...query, ...seesOf(patterns) });
    const rows = deliveries
      .map((delivery, n): DeliveryRow => ({ delivery, place: places?.[n] ?? [0, 0] }))
      .filter(({ delivery }) => !wasPassed(delivery));
    return { rows, next };
  }

  async function statusPart(): Promise<StatusView> {
    const status = await own().status();
    const counted = await selectInSlices(ports.counted(), ({ id }) => isFirst(id) && !ports.isSetAside(id));
    return { ...status, ...countsOf(counted) };
  }

  async function rankedPart(query: RankedQuery): Promise<RankedPart> {
    const { repositories } = await own().ranked(query);
    const rows = repositories
      .filter(({ id }) => !ports.isSetAside(id))
      .map((one) => ({ ...one, node: self }));
    const { state, installationId, name, isHeld, hasNoHolds } = query;
    const idsOfHeld = async () => {
      const held = await own().ranked({
        ...query,
        isHeld: true,
        hasNoHolds: false,
        page: 1,
        limit: MAX_RANKED,
      });
      return held.repositories.map(({ id }) => id);
    };
    const ids = isHeld ? await idsOfHeld() : await own().idsOf({ state, installationId, name });
    const left = new Set(hasNoHolds ? await idsOfHeld() : []);
    return { rows, count: (await selectInSlices(ids, (id) => isFirst(id) && !left.has(id))).length };
  }

  const isBetterRow = (a: RepositoryView, b: RepositoryView): boolean => {
    const owners = members.placement().ownersOf(a.id);
    const rankOf = ({ state, node = "" }: RepositoryView) =>
      (isLeft(state) ? 200 : isFresh(state) ? 0 : 100) + (owners.indexOf(node) + 1 || 99);
    return rankOf(a) < rankOf(b);
  };

  const gathered: Gathered = {
    async list({ sees, onlyHere, ...query }) {
      const patterns = patternsOf(sees);
      if (onlyHere || patterns === undefined) return own().list({ ...query, ...(sees && { sees }) });
      const sent = { ...query, patterns };
      const { parts, missing } = await askOthers<ListPart>(KINDS.list, sent);
      const all = [await listPart(sent), ...parts];
      const { rows, next } = mergePages(all, {
        limit: query.limit,
        placeOf: ({ owner, name, id }): RepositoryPlace => [owner, name, id],
        compare: comparePlaces,
        keyOf: ({ id }) => id,
        isBetter: isBetterRow,
      });
      const total = all.reduce((sum, { count }) => sum + count, 0);
      return { repositories: rows, next, total, missing };
    },
    async deliveries({ sees, onlyHere, ...query }) {
      const patterns = patternsOf(sees);
      if (onlyHere || patterns === undefined) return own().deliveries({ ...query, ...(sees && { sees }) });
      const sent = { ...query, patterns };
      const { parts, missing } = await askOthers<Part<DeliveryRow, DeliveryPlace>>(KINDS.deliveries, sent);
      const { rows, next } = mergePages([await deliveriesPart(sent), ...parts], {
        limit: query.limit,
        placeOf: ({ place }) => place,
        compare: ([at, row], [otherAt, otherRow]) => otherAt - at || otherRow - row,
        keyOf: ({ delivery }) => delivery.id,
        isBetter: (a, b) => a.delivery.outcome === "refreshed" && b.delivery.outcome !== "refreshed",
      });
      const page: DeliveryPage = {
        deliveries: rows.map(({ delivery }) => delivery),
        places: rows.map(({ place }) => place),
        next,
        missing,
      };
      return page;
    },
    async delivery(id) {
      const found = await own().delivery(id);
      if (found && !wasPassed(found)) return found;
      const { parts } = await askOthers<DeliveryView | null>(KINDS.delivery, id);
      return parts.find((one) => one !== null && !wasPassed(one)) ?? found;
    },
    async ranked({ page, limit, ...query }) {
      // The first rows of each node are enough to know the first ones of all.
      const sent = { ...query, page: 1, limit: Math.min(page * limit, MAX_RANKED) };
      const { parts, missing } = await askOthers<RankedPart>(KINDS.ranked, sent);
      const all = [await rankedPart(sent), ...parts];
      const { rows } = mergePages<RankedView, RankedView>(
        all.map((part) => ({ rows: part.rows, next: null })),
        {
          limit: page * limit,
          placeOf: (row: RankedView) => row,
          compare: ORDERS[query.order],
          keyOf: ({ id }) => id,
          isBetter: isBetterRow,
        },
      );
      const total = all.reduce((sum, { count }) => sum + count, 0);
      return { repositories: rows.slice((page - 1) * limit), total, reach: MAX_RANKED, missing };
    },
    async activity(limit, id) {
      if (id !== null) return own().activity(limit, id);
      const { parts } = await askOthers<ActivityView[]>(KINDS.activity, limit);
      const all = [await own().activity(limit, null), ...parts].flat();
      // Each owner of a repository brings the same push.
      const keyOf = ({ repository, type, ref, before, after }: ActivityView) =>
        [repository, type, ref, before, after].join(" ");
      const each = new Map(all.map((one) => [keyOf(one), one]));
      return [...each.values()].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit);
    },
    async status(query) {
      if (query?.onlyHere) return own().status();
      const { parts, missing } = await askOthers<StatusView>(KINDS.status, null);
      return { ...mergeStatuses([await statusPart(), ...parts]), missing };
    },
  };

  const removals = createRemovals(own, askOthers);

  return {
    answers: {
      ...removals.answers,
      [KINDS.list]: (body) => listPart(body as Sent<ListQuery>),
      [KINDS.deliveries]: (body) => deliveriesPart(body as Sent<DeliveriesQuery>),
      [KINDS.delivery]: (id) => own().delivery(String(id)),
      [KINDS.status]: statusPart,
      [KINDS.ranked]: (body) => rankedPart(body as RankedQuery),
      [KINDS.activity]: (limit) => own().activity(Number(limit), null),
    },
    gather(ports) {
      here = ports;
      return { ...ports, ...gathered, ...removals.ports };
    },
  };
}

/** Null: every repository is seen. Undefined: nobody can say it to another node. */
const patternsOf = (sees: Sees | undefined): readonly string[] | null | undefined =>
  sees === undefined ? null : sees.patterns;

const seesOf = (patterns: readonly string[] | null): { sees?: Sees } =>
  patterns === null ? {} : { sees: seesBy(patterns) };

/** Its owners have it. */
const wasPassed = ({ outcome, reason }: DeliveryView): boolean =>
  outcome === "ignored" && /^(?:passed to |another node owns)/.test(reason ?? "");

const isLeft = (state: string) => state === "gone" || state === "retired";
const isFresh = (state: string) => state === "fresh" || state === "refreshing" || state === "paused";
