import { find, type Lookup } from "./lookup.js";
import type { RepositoryListPorts } from "./repository-lists.js";
import type { Route, Routes } from "./routes.js";
import { MAX_SHOWN, MAX_SHOWN_REFS, type MaintenanceView, RepositoryDetails } from "./view.js";

export interface RepositoryPorts extends Pick<RepositoryListPorts, "refs" | "kept" | "holds"> {
  get: Lookup;
  maintenance(id: number): MaintenanceView;
}

const ONE: Route = {
  method: "get",
  path: "/api/v1/repos/{owner}/{name}",
  summary: "One repository, with the first of its refs, kept tips and holds",
  answers: { 200: RepositoryDetails },
  problems: [400, 404],
};

/** Serves one repository. Its lists are cut, so that the answer has a bounded size. */
export function addRepositoryRoute(routes: Routes, ports: RepositoryPorts): void {
  routes.add(ONE, async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    const { id } = found;
    const refs = await ports.refs(id, { name: null, limit: MAX_SHOWN_REFS, after: null });
    const kept = await ports.kept(id, { limit: MAX_SHOWN, after: null });
    const holds = ports.holds(id, { limit: MAX_SHOWN, after: null });
    const proven = refs.refs.flatMap(({ ref, provenAt }) => (provenAt === null ? [] : [[ref, provenAt]]));
    return context.json({
      ...found,
      heads: Object.fromEntries(refs.refs.map(({ ref, sha }) => [ref, sha])),
      headsProvenAt: Object.fromEntries(proven),
      maintenance: ports.maintenance(id),
      kept: kept.kept,
      holds: holds.holds,
      totals: { heads: refs.total, kept: kept.total, holds: holds.total },
    });
  });
}
