import type { z } from "zod";
import type { PushHint, RefreshIntent, RepositoryName, Subject } from "../base/model.js";
import { ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import { WIKI_BRANCH, wikiIdOf, wikiNameOf } from "../base/wikis.js";
import {
  actionOf,
  installationOf,
  PullRequest,
  Push,
  type Repository,
  toEpochSeconds,
  toName,
  Wiki,
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

/** The request that a delivery leads to. */
export type Decision = RequestDecision | { kind: "ignored"; reason: string };

/** The part of GitHub that Lockstep mirrors. */
export interface Wanted {
  /** Whether REPOSITORIES includes `owner/name`. */
  repositories(fullName: string): boolean;
  /** Whether REFSPECS includes a ref. */
  refs(ref: string): boolean;
  /** Whether WIKIS includes wikis. */
  wikis: boolean;
}

/** Actions of a `pull_request` event that change the pull request's head. */
export const HEAD_MOVES = ["opened", "reopened", "synchronize"];
/** Actions of a `repository` event after which refs may differ or are unknown. */
export const FULL_AFTER = [
  "created",
  "renamed",
  "transferred",
  "edited",
  "unarchived",
  "publicized",
  "privatized",
];
/** These actions may move a repository into or out of REPOSITORIES, so only its reconcile decides. */
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
 * Handles moves of `refs/pull/N/head`, for which GitHub sends no push event. GitHub creates that ref shortly
 * after the event, and reports its former value only in `synchronize`, so the ref is always asked for by
 * name.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
 */
export function fromPullRequest(payload: unknown, { repositories, refs }: Wanted): Decision {
  const action = actionOf(payload) ?? "";
  if (action !== "" && !HEAD_MOVES.includes(action))
    return { kind: "ignored", reason: `pull_request ${action} does not change any ref` };
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

/**
 * Handles edits of a wiki. GitHub names the commits but not their branch, and not whether it shows them already, so every
 * ref is compared until the last commit is there.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#gollum
 * @param receivedAt stands for the time of the edit, which GitHub does not say, in milliseconds since 1970
 */
export function fromWiki(
  payload: unknown,
  { repositories, refs, wikis }: Wanted,
  receivedAt: number,
): Decision {
  if (!wikis) return { kind: "ignored", reason: "WIKIS is not set" };
  const ref = `refs/heads/${WIKI_BRANCH}`;
  const after = refs(ref) ? Wiki.safeParse(payload).data?.pages.at(-1)?.sha : undefined;
  // A comparison of the same second may have come before the edit.
  const pushedAt = Math.ceil(receivedAt / 1_000);
  const hints = after === undefined ? [] : [{ ref, before: ZERO, after, pushedAt, ordered: false }];
  const decision = fromNamed("gollum", payload, repositories, () => ({ trigger: "push", hints, full: true }));
  return decision.kind === "request" ? ofWiki(decision) : decision;
}

/** Turns a request for a repository into the same request for its wiki. */
function ofWiki({ subject, repositoryId, repository, ...decision }: RequestDecision): RequestDecision {
  return {
    ...decision,
    subject: { ...subject, id: wikiIdOf(subject.id) } as Subject,
    repositoryId: wikiIdOf(subject.id),
    ...(repository && { repository: wikiNameOf(repository) }),
  };
}

export function fromRepository(payload: unknown, { repositories }: Wanted): Decision {
  const action = actionOf(payload) ?? "";
  const isIncluded = NAME_CHANGES.includes(action) ? () => true : repositories;
  const full = FULL_AFTER.includes(action);
  return fromNamed("repository", payload, isIncluded, () => ({ trigger: "backstop", hints: [], full }));
}

/** GitHub has decided already; whether REPOSITORIES chooses the repository now, its reconcile finds out. */
export const fromCustomProperties = (payload: unknown, { repositories }: Wanted): Decision =>
  fromNamed("custom_property_values", payload, repositories, () => ({
    trigger: "backstop",
    hints: [],
    full: false,
  }));

export function fromInstallation(event: string, payload: unknown): Decision {
  const installationId = installationOf(payload);
  if (installationId === undefined)
    return { kind: "ignored", reason: `${event} does not name an installation` };
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
  if (!repository) return { kind: "ignored", reason: `${event} does not name a repository` };
  const name = toName(repository.full_name);
  // A payload without a usable name cannot be matched against REPOSITORIES; the reconcile asks GitHub by id.
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
