import type { z } from "zod";
import type { PushHint, RefreshIntent, RepositoryName, Subject } from "../base/model.js";
import { ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import {
  actionOf,
  installationOf,
  PullRequest,
  Push,
  type Repository,
  toEpochSeconds,
  toName,
  WithRepository,
} from "./payload.js";

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

/** What of GitHub is mirrored. */
export interface Wanted {
  /** Whether REPOSITORIES lets `owner/name` in. */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS lets a ref in. */
  refs(ref: string): boolean;
}

/** Actions of a `pull_request` event after which its head is another one. */
export const HEAD_MOVES = ["opened", "reopened", "synchronize"];
/** Actions of a `repository` event after which refs may differ, or nothing is known of them yet. */
export const FULL_AFTER = [
  "created",
  "renamed",
  "transferred",
  "edited",
  "unarchived",
  "publicized",
  "privatized",
];
/** Actions that move a repository into or out of REPOSITORIES: only its reconcile can tell. */
const NAME_CHANGES = ["renamed", "transferred"];

export function fromPush(payload: unknown, { repositories }: Wanted): Decision {
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
export function fromPullRequest(payload: unknown, { repositories, refs }: Wanted): Decision {
  const action = actionOf(payload) ?? "";
  if (action !== "" && !HEAD_MOVES.includes(action))
    return { kind: "ignored", reason: `pull_request ${action} moves no ref` };
  const pull = PullRequest.safeParse(payload).data;
  const ref = `refs/pull/${pull?.number ?? 1}/head`;
  if (!refs(ref)) return { kind: "ignored", reason: "REFSPECS does not include refs/pull" };
  return fromNamed("pull_request", payload, repositories, () => {
    const pushedAt = toEpochSeconds(pull?.pull_request.updated_at);
    if (!pull || pushedAt === null) return { trigger: "push", hints: [], full: true };
    const hint: PushHint = {
      ref,
      before: pull.before ?? ZERO,
      after: pull.pull_request.head.sha,
      pushedAt,
      ordered: false,
    };
    return { trigger: "push", hints: [hint], full: false };
  });
}

export function fromRepository(payload: unknown, { repositories }: Wanted): Decision {
  const action = actionOf(payload) ?? "";
  const isIncluded = NAME_CHANGES.includes(action) ? () => true : repositories;
  const full = FULL_AFTER.includes(action);
  return fromNamed("repository", payload, isIncluded, () => ({ trigger: "backstop", hints: [], full }));
}

export function fromInstallation(event: string, payload: unknown): Decision {
  const installationId = installationOf(payload);
  if (installationId === undefined) return { kind: "ignored", reason: `${event} names no installation` };
  return {
    kind: "request",
    subject: { kind: "installation", id: installationId },
    intent: { trigger: "onboard", hints: [], full: false },
    installationId,
  };
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
    return { kind: "ignored", reason: "REPOSITORIES does not include it" };
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
