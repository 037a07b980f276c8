import { asRefreshError, RefreshError } from "../base/errors.js";
import { REPLICA_LAG_MS } from "../base/github-facts.js";
import type { RemoteRepository } from "../base/model.js";
import type { GitHub } from "../github/api.js";
import type { Dated } from "../github/rest.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { type SuspendPorts, suspendInstallation } from "./suspend.js";

export type MembershipPorts = SuspendPorts & {
  github: Pick<GitHub, "repository" | "installationOf">;
  registry: Pick<Registry, "moveTo">;
  now(): number;
};

/** null: GitHub does not show it to us. "suspended": it belongs to an installation that is. */
export type Answer = Dated<RemoteRepository> | "suspended" | null;

/** @returns null: not there, or not for this installation */
export async function askById(
  { github }: Pick<MembershipPorts, "github">,
  installationId: number,
  id: number,
): Promise<Dated<RemoteRepository> | null> {
  if (installationId === 0) return null;
  try {
    return await github.repository(installationId, id);
  } catch (error) {
    if (error instanceof RefreshError && error.code === "not_found") return null;
    throw error;
  }
}

/** A delivery of that installation has just named it, which GitHub's replicas may not know of. */
export const isYetToShow = (
  { now }: Pick<MembershipPorts, "now">,
  { answeredAt, installationId, addedAt }: ManagedRepository,
): boolean => answeredAt === 0 && installationId !== 0 && now() - addedAt < REPLICA_LAG_MS;

/**
 * Any token reads any public repository, so an answer by id does not prove that the App is installed
 * there. The name does: an old one leads to where the repository is now.
 * @throws RefreshError `not_yet` of a repository that is new
 */
export async function askMembership(ports: MembershipPorts, known: ManagedRepository): Promise<Answer> {
  const { id, installationId, owner, name } = known;
  const answer = await askById(ports, installationId, id);
  if (!answer && isYetToShow(ports, known))
    throw new RefreshError("not_yet", "GitHub does not know the new repository yet");
  const now = answer?.value ?? { owner, name };
  const holder = now.owner === "" ? null : await ports.github.installationOf(now.owner, now.name);
  if (holder === null) return null;
  return holder === installationId ? answer : askHolder(ports, holder, id);
}

/** Transferred to an installation that is suspended: it waits there, and nobody else does. */
async function askHolder(ports: MembershipPorts, holder: number, id: number): Promise<Answer> {
  try {
    return await askById(ports, holder, id);
  } catch (error) {
    if (asRefreshError(error).code !== "suspended") throw error;
    ports.registry.moveTo(id, holder);
    ports.registry.setState(id, "suspended");
    suspendInstallation(ports, holder, null);
    return "suspended";
  }
}

/**
 * A suspended installation answers nothing; the App's own key says whether another one has the repository now.
 * @throws the error that came first, when no other one has it
 */
export async function askOtherInstallation(
  ports: MembershipPorts,
  { id, installationId, owner, name }: ManagedRepository,
  error: RefreshError,
): Promise<Answer> {
  if (error.code !== "suspended" || owner === "") throw error;
  const holder = await ports.github.installationOf(owner, name);
  if (holder === null || holder === installationId) throw error;
  const answer = await askById(ports, holder, id);
  // The name may be another repository's by now, and any token reads a public one.
  const now = answer && (await ports.github.installationOf(answer.value.owner, answer.value.name));
  if (now !== holder) throw error;
  return answer;
}
