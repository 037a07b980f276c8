import { asRefreshError } from "../base/errors.js";
import { isManaged, type ManagedRepository } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { type ApplyOptions, type ApplyPorts, applyRemote } from "./apply-remote.js";
import {
  type Answer,
  askById,
  askMembership,
  askOtherInstallation,
  type MembershipPorts,
} from "./membership.js";
import type { Removal } from "./removal.js";

export type RepositoryPorts = ApplyPorts &
  MembershipPorts & {
    removal: Pick<Removal, "handleMissing" | "retire">;
    store: Pick<Store, "transaction">;
  };

interface Options extends ApplyOptions {
  /** Whether the repository may have left its installation. */
  mayHaveLeft: boolean;
}

/**
 * Asks GitHub about one repository and applies the answer.
 * @returns null when the repository is not managed, or its installation is suspended
 */
export async function reconcileRepository(
  ports: RepositoryPorts,
  id: number,
  options: Options,
): Promise<ManagedRepository | null> {
  const known = ports.registry.get(id);
  if (!known) return null;
  const answer = await askGitHub(ports, known, options);
  if (answer === "suspended") return null;
  const applied = answer && ports.store.transaction(() => applyRemote(ports, answer, options));
  if (!answer) await ports.removal.handleMissing(known.installationId, [known]);
  // A refresh holds the repository's writer slot; only the refresh may delete there.
  if (!applied && !options.requestsRefresh) ports.removal.retire(id);
  return applied;
}

async function askGitHub(
  ports: RepositoryPorts,
  known: ManagedRepository,
  { mayHaveLeft }: Options,
): Promise<Answer> {
  const isNew = known.answeredAt === 0;
  const isDoubtful = mayHaveLeft || isNew || !isManaged(known) || ports.installations.isHeld(known.id);
  try {
    const answer = isDoubtful ? null : await askById(ports, known.installationId, known.id);
    return answer ?? (await askMembership(ports, known));
  } catch (error) {
    return askOtherInstallation(ports, known, asRefreshError(error));
  }
}
