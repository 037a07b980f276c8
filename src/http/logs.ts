import type { Context } from "hono";
import { z } from "zod";
import type { Sees } from "../base/access.js";
import { sightOf } from "./caller.js";
import {
  Delivery,
  type DeliveryView,
  Held,
  type HeldView,
  Outage,
  type OutageView,
  QueueItem,
  type QueueView,
  Refresh,
  type RefreshView,
} from "./log-view.js";
import { badRequest, find, type Lookup, notFound } from "./lookup.js";
import {
  findPaging,
  Missing,
  Next,
  NodeQuery,
  onlyHere,
  type Paging,
  PagingQuery,
  toCursor,
} from "./paging.js";
import type { Routes } from "./routes.js";

export const DeliveryPlace = z.tuple([z.number().int(), z.number().int()]);
type Place = z.infer<typeof DeliveryPlace>;

/** Null means any value. */
export interface DeliveryFilter {
  /** The repository as owner/name. */
  repository: string | null;
  outcome: DeliveryView["outcome"] | null;
}

export interface QueueList {
  queue: QueueView[];
  total: number;
  held: HeldView[];
  outages: OutageView[];
}

export interface DeliveryPage {
  deliveries: DeliveryView[];
  /** The place of each of them, for a list that is merged with others. */
  places?: Place[];
  next: Place | null;
  /** The nodes of a cluster whose deliveries are not there. */
  missing?: string[];
}

export interface LogPorts {
  get: Lookup;
  /** @param query.sees leaves out deliveries about other repositories; a page may then be shorter than its limit */
  deliveries(
    query: DeliveryFilter & Paging<Place> & { sees?: Sees; onlyHere?: boolean },
  ): DeliveryPage | Promise<DeliveryPage>;
  delivery(id: string): DeliveryView | null | Promise<DeliveryView | null>;
  /** Lists deliveries, newest first. */
  refreshes(id: number): RefreshView[];
  /**
   * Lists queued subjects in the order in which they run, and what some of them wait for.
   * @param sees leaves out other subjects, and what GitHub asks to leave alone
   */
  queue(limit: number, sees?: Sees): QueueList;
}

const QUEUE_LIMIT = 100;
const Outcome = Delivery.shape.outcome;

/** Serves the lists of deliveries, of the queue and of finished refreshes. */
export function addLogRoutes(routes: Routes, ports: LogPorts): void {
  routes.add(
    {
      method: "get",
      path: "/api/v1/deliveries",
      summary: "Deliveries of the last 8 days, newest first",
      query: {
        repository: z.string().optional().meta({ description: "owner/name" }),
        outcome: Outcome.optional(),
        ...PagingQuery,
        node: NodeQuery,
      },
      answers: { 200: z.object({ deliveries: z.array(Delivery), next: Next, missing: Missing }) },
      problems: [400],
    },
    async (context) => {
      const filter = findDeliveryFilter(context.req.query());
      if (filter instanceof Response) return filter;
      const paging = findPaging(context, DeliveryPlace);
      if (paging instanceof Response) return paging;
      const sight = sightOf(context);
      // The time of the answer must not tell whether a hidden repository had deliveries.
      if (filter.repository !== null && sight.sees?.(filter.repository) === false)
        return context.json({ deliveries: [], next: null });
      const {
        next,
        places: _,
        ...list
      } = await ports.deliveries({
        ...filter,
        ...paging,
        ...sight,
        ...onlyHere(context),
      });
      return context.json({ ...list, next: toCursor(next) });
    },
  );
  routes.add(
    {
      method: "get",
      path: "/api/v1/deliveries/{id}",
      summary: "One delivery and its outcome",
      answers: { 200: Delivery },
      problems: [404],
    },
    async (context) => {
      const delivery = await ports.delivery(context.req.param("id") ?? "");
      return delivery && canSeeDelivery(context, delivery)
        ? context.json(delivery)
        : notFound("no such delivery", "deliveries are kept for 8 days; refused ones are not kept");
    },
  );
  routes.add(
    {
      method: "get",
      path: "/api/v1/repos/{owner}/{name}/refreshes",
      summary: "The last 50 refreshes of a repository, newest first",
      answers: { 200: z.object({ refreshes: z.array(Refresh) }) },
      problems: [400, 404],
    },
    (context) => {
      const found = find(context, ports.get);
      return found instanceof Response ? found : context.json({ refreshes: ports.refreshes(found.id) });
    },
  );
  routes.add(
    {
      method: "get",
      path: "/api/v1/queue",
      summary: `The first ${QUEUE_LIMIT} requests, in the order they will run`,
      answers: {
        200: z.object({
          queue: z.array(QueueItem),
          total: z.number().int(),
          held: z.array(Held),
          outages: z.array(Outage),
        }),
      },
    },
    (context) => context.json(ports.queue(QUEUE_LIMIT, sightOf(context).sees)),
  );
}

/** A delivery about no repository is about an installation, with all its repositories. */
function canSeeDelivery(context: Context, { repository }: DeliveryView): boolean {
  const { sees } = sightOf(context);
  return sees === undefined || (repository !== null && sees(repository));
}

/** Parses a query's filter; an empty field counts as absent. */
export function findDeliveryFilter(query: Record<string, string>): DeliveryFilter | Response {
  const outcome = Outcome.safeParse(query.outcome);
  if (query.outcome && !outcome.success)
    return badRequest("the value of outcome is unknown", `use one of ${Outcome.options.join(", ")}`);
  if (query.repository && !/^[^/]{1,40}\/[^/]{1,100}$/.test(query.repository))
    return badRequest("no repository", "write it as owner/name");
  return { repository: query.repository || null, outcome: outcome.data ?? null };
}
