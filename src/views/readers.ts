import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { ReaderPorts, ReaderView } from "../http/readers.js";
import type { Registry } from "../registry/repositories.js";

interface Row extends Omit<ReaderView, "repository" | "isManaged" | "lastAt"> {
  repository: RepositoryName;
  /** null: Lockstep does not mirror it. */
  repositoryId: number | null;
  /** In milliseconds since 1970. */
  lastAt: number;
}

interface Ports {
  registry: Pick<Registry, "get">;
  /** Lists what readers have read. */
  rows(repositoryId: number | null, limit: number): { rows: Row[]; total: number };
  isServing: boolean;
}

/** Shows who reads mirrors over HTTP. */
export function createReaderViews({ registry, rows, isServing }: Ports): ReaderPorts["readers"] {
  const view = ({ repositoryId, repository, lastAt, ...row }: Row): ReaderView => {
    const known = repositoryId === null ? null : registry.get(repositoryId);
    return {
      ...row,
      repository: fullName(known ?? repository),
      isManaged: known !== null,
      lastAt: iso(lastAt),
    };
  };
  return (repositoryId, limit) => {
    if (!isServing) return null;
    const found = rows(repositoryId, limit);
    return { readers: found.rows.map(view), total: found.total };
  };
}
