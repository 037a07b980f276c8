import { isAhead } from "../base/clock.js";
import { asRefreshError, RefreshError } from "../base/errors.js";
import { REPLICA_LAG_MS } from "../base/github-facts.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { GitHub } from "../github/api.js";
import type { Dated } from "../github/rest.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { type SuspendPorts, suspendInstallation } from "./suspend.js";

export type MembershipPorts = SuspendPorts & {
  github: Pick<GitHub, "repository" | "installationOf">;
  registry: Pick<Registry, "moveTo">;
  now(): number;
};

/**
 * Null means that the repository is not visible to the App; "suspended" means that its installation is
 * suspended.
 */
export type Answer = Dated<RemoteRepository> | "suspended" | null;

/** @returns null when the repository does not exist or does not belong to this installation */
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

/** A delivery of that installation has just named the repository; GitHub's replicas may not know it yet. */
export const isJustNamed = (
  { now }: Pick<MembershipPorts, "now">,
  { answeredAt, installationId, addedAt }: ManagedRepository,
): boolean =>
  answeredAt === 0 && installationId !== 0 && !isAhead(addedAt, now()) && now() - addedAt < REPLICA_LAG_MS;

/**
 * Asks for the repository by id and then by name. Any token reads any public repository, so an answer by id
 * does not prove that the App is installed there. The name does: an old name redirects to the repository's
 * present place.
 * @throws RefreshError `not_yet` for a new repository
 */
export async function askMembership(ports: MembershipPorts, known: ManagedRepository): Promise<Answer> {
  const { id, installationId, owner, name } = known;
  const answer = await askById(ports, installationId, id);
  if (!answer && isJustNamed(ports, known))
    throw new RefreshError("not_yet", "GitHub does not know the new repository yet");
  const now = answer?.value ?? { owner, name };
  const holder = now.owner === "" ? null : await ports.github.installationOf(now.owner, now.name);
  if (holder === null) return null;
  return holder === installationId ? answer : askHolder(ports, holder, id);
}

/**
 * Checks a repository that was transferred; in a suspended installation it waits, without delaying others.
 */
async function askHolder(ports: MembershipPorts, holder: number, id: number): Promise<Answer> {
  try {
    return await askById(ports, holder, id);
  } catch (error) {
    if (asRefreshError(error).code !== "suspended") throw error;
    ports.registry.moveTo(id, holder);
    ports.registry.setState(id, "suspended");
    await suspendInstallation(ports, holder, null);
    return "suspended";
  }
}

/**
 * Asks with the App's own key which installation has the repository, because a suspended one answers nothing.
 * @throws the first error, when no other installation has the repository
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
  // The name may have passed to another repository, and any token reads a public one.
  const now = answer && (await ports.github.installationOf(answer.value.owner, answer.value.name));
  if (now !== holder) throw error;
  return answer;
}
