import type { HistoryPorts } from "./history.js";
import { find, type Lookup } from "./lookup.js";
import type { Route, Routes } from "./routes.js";
import { type MaintenanceView, RepositoryDetails } from "./view.js";

export interface RepositoryPorts extends Pick<HistoryPorts, "history"> {
  get: Lookup;
  /** Every ref of the mirror. */
  heads(id: number): Promise<Record<string, string>>;
  /** Refs proven later than the repository as a whole. */
  headsProvenAt(id: number): Record<string, string>;
  maintenance(id: number): MaintenanceView;
}

const ONE: Route = {
  method: "get",
  path: "/api/v1/repos/{owner}/{name}",
  summary: "One repository, with every ref's tip",
  answers: { 200: RepositoryDetails },
  problems: [400, 404],
};

/** Serves one repository in full. */
export function addRepositoryRoute(routes: Routes, ports: RepositoryPorts): void {
  routes.add(ONE, async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    const heads = await ports.heads(found.id);
    const history = await ports.history(found.id, heads);
    return context.json({
      ...found,
      heads,
      headsProvenAt: ports.headsProvenAt(found.id),
      maintenance: ports.maintenance(found.id),
      ...history,
    });
  });
}
