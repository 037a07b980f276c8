import { z } from "zod";
import type { Sees } from "../base/access.js";
import { sightOf } from "./caller.js";
import { badRequest } from "./lookup.js";
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
import { Installation, type InstallationView } from "./status-view.js";
import { Repository, type RepositoryView, ShownState } from "./view.js";

export const RepositoryPlace = z.tuple([z.string(), z.string(), z.number().int()]);
const InstallationPlace = z.tuple([z.string(), z.number().int()]);
type RepositoryPlace = z.infer<typeof RepositoryPlace>;
type InstallationPlace = z.infer<typeof InstallationPlace>;

/** Null means any value. */
export interface RepositoryFilter {
  state: ShownState | null;
  installationId: number | null;
  name: string | null;
}

interface RepositoryPage {
  repositories: RepositoryView[];
  next: RepositoryPlace | null;
  total: number;
  /** The nodes of a cluster whose repositories are not there. */
  missing?: string[];
}

export interface ListPorts {
  /** @param query.sees leaves out other repositories; undefined leaves out none */
  list(
    query: RepositoryFilter & Paging<RepositoryPlace> & { sees?: Sees; onlyHere?: boolean },
  ): RepositoryPage | Promise<RepositoryPage>;
  /** Returns the ids of all repositories of this node that a filter matches. */
  idsOf(query: RepositoryFilter & { sees?: Sees }): Promise<number[]>;
  installations(page: Paging<InstallationPlace>): {
    installations: InstallationView[];
    next: InstallationPlace | null;
    total: number;
  };
}

/** The sort key of `owner/name`. */
const MAX_NAME = 140;
const Total = z.number().int().meta({ description: "how many there are on all pages" });

/** The query of a filter for repositories. */
export const FilterQuery = {
  state: ShownState.optional().meta({
    description: "also a state that a running refresh hides: `failing` includes what is being tried again",
  }),
  installation: z.number().int().optional().meta({ description: "id of the installation" }),
  name: z.string().optional().meta({
    description:
      "part of `owner/name`, or a pattern for the whole name that uses `*` and `?`; case does not matter",
    example: "acme/*-service",
  }),
};

/** Lists repositories and installations by pages. */
export function addListRoutes(routes: Routes, ports: ListPorts): void {
  routes.add(
    {
      method: "get",
      path: "/api/v1/repos",
      summary: "Repositories, by owner and name",
      query: {
        ...FilterQuery,
        ...PagingQuery,
        node: NodeQuery,
      },
      answers: {
        200: z.object({ repositories: z.array(Repository), next: Next, total: Total, missing: Missing }),
      },
      problems: [400],
    },
    async (context) => {
      const filter = findFilter(context.req.query());
      if (filter instanceof Response) return filter;
      const paging = findPaging(context, RepositoryPlace);
      if (paging instanceof Response) return paging;
      const { next, ...list } = await ports.list({
        ...filter,
        ...paging,
        ...sightOf(context),
        ...onlyHere(context),
      });
      return context.json({ ...list, next: toCursor(next) });
    },
  );
  routes.add(
    {
      method: "get",
      path: "/api/v1/installations",
      summary: "Installations of the App, by account",
      isOfWhole: true,
      query: PagingQuery,
      answers: { 200: z.object({ installations: z.array(Installation), next: Next, total: Total }) },
      problems: [400],
    },
    (context) => {
      const paging = findPaging(context, InstallationPlace);
      if (paging instanceof Response) return paging;
      const { installations, next, total } = ports.installations(paging);
      return context.json({ installations, next: toCursor(next), total });
    },
  );
}

/** Parses a query's filter; an empty field counts as absent. */
export function findFilter(query: Record<string, string>): RepositoryFilter | Response {
  const { state, installation, name } = query;
  const shown = ShownState.safeParse(state);
  if (state && !shown.success)
    return badRequest("the value of state is unknown", `use one of ${ShownState.options.join(", ")}`);
  if (installation && !/^\d{1,15}$/.test(installation))
    return badRequest("installation is not a number", "see GET /api/v1/installations");
  if (name && name.length > MAX_NAME)
    return badRequest(
      "name is too long",
      "write part of owner/name, or a pattern for the whole name that uses * and ?",
    );
  return {
    state: shown.data ?? null,
    installationId: installation ? Number(installation) : null,
    name: name || null,
  };
}
