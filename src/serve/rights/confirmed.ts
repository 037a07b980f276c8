import { asRefreshError } from "../../base/errors.js";
import type { RepositoryName } from "../../base/model.js";
import type { Confirmations } from "./confirm.js";
import { type Finding, isSameName, NO, type RightsPorts, type Served } from "./ports.js";

interface Needs {
  ports: Pick<RightsPorts, "doubt" | "clock">;
  confirmations: Confirmations;
}

/** A right that GitHub need not prove is bound to a name that was confirmed this long ago at most. */
const RECENT_MS = 60_000;

/**
 * Says whether the name that was asked for is the repository's now.
 * @param after when the right to the name was asked for, by the monotonic clock
 * @returns whether it is; or that nobody can say
 */
export async function holdsName(
  { ports, confirmations }: Needs,
  { repository, asked, after }: { repository: Served; asked: RepositoryName; after: number },
): Promise<boolean | Extract<Finding, { kind: "unavailable" }>> {
  try {
    const name = await confirmations.confirm(repository, after);
    if (name !== null && isSameName(name, asked)) return true;
    ports.doubt(repository);
    return false;
  } catch (error) {
    const { retry } = asRefreshError(error);
    return { kind: "unavailable", retryAfter: retry.kind === "after" ? Math.ceil(retry.ms / 1_000) : null };
  }
}

/** Grants a right to a repository that was proven without GitHub, if the repository still has the name. */
export async function grant(
  needs: Needs,
  repository: Served,
  { asked, reader }: { asked: RepositoryName; reader: string },
): Promise<Finding> {
  const after = needs.ports.clock() - RECENT_MS;
  const holds = await holdsName(needs, { repository, asked, after });
  if (typeof holds === "object") return holds;
  return holds ? { kind: "yes", repositoryId: repository.id, reader } : NO;
}
