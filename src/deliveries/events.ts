import { z } from "zod";
import type { PushHint, RefreshIntent, RepositoryName, Subject } from "../base/model.js";
import { ZERO } from "../base/model.js";
import { fullName, isOwner, isRefName, isRepositoryName, isSha, RESERVED_REFS } from "../base/names.js";

/** A delivery whose signature was right. */
export interface VerifiedEvent {
  /** X-GitHub-Delivery. */
  id: string;
  /** X-GitHub-Event. */
  name: string;
  payload: unknown;
}

export interface RequestDecision {
  kind: "request";
  subject: Subject;
  intent: RefreshIntent;
  installationId?: number;
  repository?: RepositoryName;
  repositoryId?: number;
}

/** What a delivery leads to. */
export type Decision = RequestDecision | { kind: "ignored"; reason: string };

const Id = z.number().int().positive();
const Repository = z.object({
  id: Id,
  full_name: z.string().optional().catch(undefined),
  pushed_at: z.unknown().optional(),
});
const WithRepository = z.object({ repository: Repository });
const WithInstallation = z.object({ installation: z.object({ id: Id }) });
const WithAction = z.object({ action: z.string() });
const RefName = z.string().refine((ref) => isRefName(ref) && !ref.startsWith(RESERVED_REFS));
const Sha = z.string().refine(isSha);
const Push = z
  .object({ ref: RefName, before: Sha, after: Sha, forced: z.boolean().optional().catch(undefined) })
  .refine(({ before, after }) => before !== ZERO || after !== ZERO);

const PullRequest = z.object({
  number: Id,
  before: Sha.optional(),
  pull_request: z.object({ head: z.object({ sha: Sha }), updated_at: z.string() }),
});

/** Actions of a `pull_request` event after which its head is another one. */
const HEAD_MOVES = ["opened", "reopened", "synchronize"];
/** Actions of a `repository` event after which refs may differ, or nothing is known of them yet. */
const FULL_AFTER = ["created", "renamed", "transferred", "edited", "unarchived", "publicized", "privatized"];
/** Actions that move a repository into or out of REPOSITORIES: only its reconcile can tell. */
const NAME_CHANGES = ["renamed", "transferred"];

/** What of GitHub is mirrored. */
export interface Wanted {
  /** Whether REPOSITORIES lets `owner/name` in. */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS lets a ref in. */
  refs(ref: string): boolean;
}

/**
 * What a verified delivery asks for. Everything in a payload but ids is a hint; what cannot be used
 * of a push makes its comparison a full one instead of losing it.
 */
export function toIntent(event: VerifiedEvent, wanted: Wanted): Decision {
  const { repositories } = wanted;
  switch (event.name) {
    case "push":
      return fromPush(event.payload, repositories);
    case "pull_request":
      return fromPullRequest(event.payload, wanted);
    case "repository":
      return fromRepository(event.payload, repositories);
    case "installation":
    case "installation_repositories":
    case "installation_target":
      return fromInstallation(event.name, event.payload);
    default:
      return { kind: "ignored", reason: `nothing to do for ${event.name}` };
  }
}

/** The payload's `action`, by which GitHub tells apart the kinds of one event. */
export function actionOf(payload: unknown): string | null {
  return WithAction.safeParse(payload).data?.action ?? null;
}

/** What a delivery is about, as far as it can be used. */
export interface DeliveryAbout {
  repositoryId?: number;
  /** owner/name */
  repository?: string;
  installationId?: number;
}

export function aboutOf(payload: unknown): DeliveryAbout {
  const repository = WithRepository.safeParse(payload).data?.repository;
  const name = toName(repository?.full_name);
  const installationId = installationOf(payload);
  return {
    ...(repository && { repositoryId: repository.id }),
    ...(name && { repository: fullName(name) }),
    ...(installationId !== undefined && { installationId }),
  };
}

function fromPush(payload: unknown, repositories: (fullName: string) => boolean): Decision {
  return fromNamed("push", payload, repositories, (repository) => {
    const push = Push.safeParse(payload).data;
    const pushedAt = toEpochSeconds(repository.pushed_at);
    if (!push || pushedAt === null) return { trigger: "push", hints: [], full: true };
    const { ref, before, after } = push;
    const forced = after === ZERO || push.forced;
    const hint: PushHint = { ref, before, after, pushedAt, ...(forced !== undefined && { forced }) };
    return { trigger: "push", hints: [hint], full: false };
  });
}

/**
 * Moves `refs/pull/N/head`, of which no push tells. GitHub makes that ref a moment later, and says nothing
 * of what it was before but when it synchronizes, so it is always asked by name.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
 */
function fromPullRequest(payload: unknown, { repositories, refs }: Wanted): Decision {
  const action = actionOf(payload) ?? "";
  if (action !== "" && !HEAD_MOVES.includes(action))
    return { kind: "ignored", reason: `pull_request ${action} moves no ref` };
  const pull = PullRequest.safeParse(payload).data;
  const ref = `refs/pull/${pull?.number ?? 1}/head`;
  if (!refs(ref)) return { kind: "ignored", reason: "REFSPECS leaves refs/pull out" };
  return fromNamed("pull_request", payload, repositories, () => {
    const pushedAt = toEpochSeconds(pull?.pull_request.updated_at);
    if (!pull || pushedAt === null) return { trigger: "push", hints: [], full: true };
    const hint: PushHint = {
      ...{ ref, before: pull.before ?? ZERO, after: pull.pull_request.head.sha },
      ...{ pushedAt, ordered: false },
    };
    return { trigger: "push", hints: [hint], full: false };
  });
}

function fromRepository(payload: unknown, repositories: (fullName: string) => boolean): Decision {
  const action = actionOf(payload) ?? "";
  const letsIn = NAME_CHANGES.includes(action) ? () => true : repositories;
  const full = FULL_AFTER.includes(action);
  return fromNamed("repository", payload, letsIn, () => ({ trigger: "backstop", hints: [], full }));
}

function fromNamed(
  event: string,
  payload: unknown,
  repositories: (fullName: string) => boolean,
  intentOf: (repository: z.output<typeof Repository>) => RefreshIntent,
): Decision {
  const repository = WithRepository.safeParse(payload).data?.repository;
  if (!repository) return { kind: "ignored", reason: `${event} names no repository` };
  const name = toName(repository.full_name);
  // Without a usable name only GitHub can tell whether it is in; the reconcile asks by id.
  if (name && !repositories(fullName(name))) {
    return { kind: "ignored", reason: "REPOSITORIES leaves it out" };
  }
  const installationId = installationOf(payload);
  return {
    kind: "request",
    subject: { kind: "repository", id: repository.id },
    intent: intentOf(repository),
    repositoryId: repository.id,
    ...(name && { repository: name }),
    ...(installationId !== undefined && { installationId }),
  };
}

function fromInstallation(event: string, payload: unknown): Decision {
  const installationId = installationOf(payload);
  if (installationId === undefined) return { kind: "ignored", reason: `${event} names no installation` };
  return {
    kind: "request",
    subject: { kind: "installation", id: installationId },
    intent: { trigger: "onboard", hints: [], full: false },
    installationId,
  };
}

function installationOf(payload: unknown): number | undefined {
  return WithInstallation.safeParse(payload).data?.installation.id;
}

function toName(fullName: string | undefined): RepositoryName | null {
  const [owner = "", name = "", ...rest] = fullName?.split("/") ?? [];
  return isOwner(owner) && isRepositoryName(name) && rest.length === 0 ? { owner, name } : null;
}

/** `pushed_at` is in seconds since 1970 in push events and an ISO 8601 text everywhere else. */
function toEpochSeconds(value: unknown): number | null {
  const seconds = typeof value === "string" ? Date.parse(value) / 1_000 : value;
  // A time beyond all reason would make every later push of the ref look old.
  const plausible = typeof seconds === "number" && seconds > 0 && seconds < 2 ** 32;
  return plausible ? Math.floor(seconds) : null;
}
