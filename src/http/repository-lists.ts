import type { Context } from "hono";
import { z } from "zod";
import { find, type Lookup } from "./lookup.js";
import { findPaging, Next, type Paging, PagingQuery, toCursor } from "./paging.js";
import type { Route, Routes } from "./routes.js";
import {
  Change,
  type ChangeView,
  Hold,
  type HoldView,
  Kept,
  type KeptView,
  Ref,
  type RefView,
} from "./view.js";

/** The name of a ref. */
export const RefPlace = z.tuple([z.string()]);
/** When the tip was kept, in milliseconds since 1970, and its name. */
export const KeptPlace = z.tuple([z.number().int(), z.string()]);
/** The id of an event, and the number of the change in it. */
const ChangePlace = z.tuple([z.number().int(), z.number().int()]);
export type RefPlace = z.infer<typeof RefPlace>;
export type KeptPlace = z.infer<typeof KeptPlace>;
type ChangePlace = z.infer<typeof ChangePlace>;

interface Page<Place> {
  next: Place | null;
  total: number;
}

export interface RepositoryListPorts {
  get: Lookup;
  /** Lists the mirror's refs by name. @param query.name a part of the name; null lists all */
  refs(
    id: number,
    query: { name: string | null } & Paging<RefPlace>,
  ): Promise<{ refs: RefView[] } & Page<RefPlace>>;
  /** Lists kept tips, newest first. */
  kept(id: number, paging: Paging<KeptPlace>): Promise<{ kept: KeptView[] } & Page<KeptPlace>>;
  /** Lists held refs by name. */
  holds(id: number, paging: Paging<RefPlace>): { holds: HoldView[] } & Page<RefPlace>;
  /** Lists announced changes of refs, newest first. */
  changes(id: number, paging: Paging<ChangePlace>): { changes: ChangeView[]; next: ChangePlace | null };
}

const Total = z.number().int().meta({ description: "how many there are on all pages" });

const routeOf = (list: string, summary: string, entries: z.ZodRawShape): Route => ({
  method: "get",
  path: `/api/v1/repos/{owner}/{name}/${list}`,
  summary,
  query: PagingQuery,
  answers: { 200: z.object({ ...entries, next: Next }) },
  problems: [400, 404],
});

const REFS = routeOf("refs", "A repository's refs, by name", { refs: z.array(Ref), total: Total });
const KEPT = routeOf("kept", "A repository's kept tips, newest first", { kept: z.array(Kept), total: Total });
const HOLDS = routeOf("holds", "A repository's held refs, by name", { holds: z.array(Hold), total: Total });
const CHANGES = routeOf("changes", "A repository's announced changes of refs, newest first", {
  changes: z.array(Change),
});
const NAME = z.string().optional().meta({ description: "part of the ref's name" });

/** Lists by pages what one repository has in any number. */
export function addRepositoryLists(routes: Routes, ports: RepositoryListPorts): void {
  routes.add({ ...REFS, query: { name: NAME, ...PagingQuery } }, (context) =>
    answer(context, ports, RefPlace, async (id, paging) => {
      const { refs, next, total } = await ports.refs(id, {
        ...paging,
        name: context.req.query("name") || null,
      });
      return { refs, next: toCursor(next), total };
    }),
  );
  routes.add(KEPT, (context) =>
    answer(context, ports, KeptPlace, async (id, paging) => {
      const { kept, next, total } = await ports.kept(id, paging);
      return { kept, next: toCursor(next), total };
    }),
  );
  routes.add(HOLDS, (context) =>
    answer(context, ports, RefPlace, async (id, paging) => {
      const { holds, next, total } = ports.holds(id, paging);
      return { holds, next: toCursor(next), total };
    }),
  );
  routes.add(CHANGES, (context) =>
    answer(context, ports, ChangePlace, async (id, paging) => {
      const { changes, next } = ports.changes(id, paging);
      return { changes, next: toCursor(next) };
    }),
  );
}

/** Finds the repository and the page that a request names, and answers with what `read` returns. */
async function answer<Place>(
  context: Context,
  ports: Pick<RepositoryListPorts, "get">,
  place: z.ZodType<Place>,
  read: (id: number, paging: Paging<Place>) => Promise<object>,
): Promise<Response> {
  const found = find(context, ports.get);
  if (found instanceof Response) return found;
  const paging = findPaging(context, place);
  if (paging instanceof Response) return paging;
  return context.json(await read(found.id, paging));
}
