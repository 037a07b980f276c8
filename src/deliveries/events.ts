import {
  type Decision,
  FULL_AFTER,
  fromInstallation,
  fromPullRequest,
  fromPush,
  fromRepository,
  HEAD_MOVES,
  type Wanted,
} from "./decisions.js";

/** A delivery whose signature was right. */
export interface VerifiedEvent {
  /** X-GitHub-Delivery. */
  id: string;
  /** X-GitHub-Event. */
  name: string;
  payload: unknown;
}

/** A permission of the App, by GitHub's name for it in the API and in the App's settings. */
export interface Permission {
  name: string;
  title: string;
}

/** What the App must be set to, so that GitHub delivers an event. */
export interface Subscription {
  /** GitHub's name for the event in the App's settings. */
  title: string;
  /** GitHub offers the event only to an App that may read this. */
  permission: Permission;
  /** Every App has it, by app.yml; or only one whose REFSPECS lets refs of pull requests in. */
  for: "every App" | "refs of pull requests";
  /** What is slower without it. Null: nothing works without it. */
  without: string | null;
}

/** An event of GitHub's that Lockstep handles. */
export interface GitHubEvent {
  decide(payload: unknown, wanted: Wanted): Decision;
  /** git is about to fetch: a connection to GitHub is opened as soon as a delivery is verified. */
  warmsConnection: boolean;
  /** Name, default branch or membership of the repository may be other than what is known. */
  invalidatesName: boolean;
  /** The payload says which refs have moved, which GitHub's log of deliveries does not: one call brings it. */
  needsPayload: boolean;
  /** Null: GitHub delivers it to every App. */
  subscription: Subscription | null;
  /** What a delivery asks for, as docs/how-it-works.md has it: which actions, and the request. */
  docs: { actions?: readonly string[]; request: string };
}

const CONTENTS: Permission = { name: "contents", title: "Contents" };
const METADATA: Permission = { name: "metadata", title: "Metadata" };
const PULL_REQUESTS: Permission = { name: "pull_requests", title: "Pull requests" };

/**
 * Every event that leads to something, and who must know of it: receiver, acceptance, the reading of GitHub's log,
 * `lockstep doctor`; tests compare app.yml, README.md and docs/how-it-works.md.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
export const EVENTS = {
  push: {
    decide: fromPush,
    warmsConnection: true,
    invalidatesName: false,
    needsPayload: true,
    subscription: { title: "Push", permission: CONTENTS, for: "every App", without: null },
    docs: { request: "this ref; a full comparison when the payload's ref, tips or time cannot be used" },
  },
  repository: {
    decide: fromRepository,
    warmsConnection: false,
    invalidatesName: true,
    needsPayload: false,
    subscription: {
      title: "Repository",
      permission: METADATA,
      for: "every App",
      without: "renames wait for the backstop",
    },
    docs: {
      request: `a reconcile of that repository; ${FULL_AFTER.join(", ")}: with a full comparison`,
    },
  },
  pull_request: {
    decide: fromPullRequest,
    warmsConnection: false,
    invalidatesName: false,
    needsPayload: true,
    subscription: {
      title: "Pull request",
      permission: PULL_REQUESTS,
      for: "refs of pull requests",
      without: "such refs wait for a full comparison",
    },
    docs: {
      actions: HEAD_MOVES,
      request:
        "`refs/pull/N/head` by name, where `REFSPECS` lets it in (subscribe to the event; it needs Pull requests: read)",
    },
  },
  installation: ofInstallation("installation"),
  installation_repositories: ofInstallation("installation_repositories"),
  installation_target: ofInstallation("installation_target"),
} as const satisfies Record<string, GitHubEvent>;

function ofInstallation(name: string): GitHubEvent {
  return {
    decide: (payload) => fromInstallation(name, payload),
    warmsConnection: false,
    invalidatesName: false,
    needsPayload: false,
    subscription: null,
    docs: { request: "a reconcile of that installation" },
  };
}

/** @returns null: nothing is done for such an event */
export const eventNamed = (name: string): GitHubEvent | null =>
  Object.hasOwn(EVENTS, name) ? EVENTS[name as keyof typeof EVENTS] : null;

/** What the App must be subscribed to, by the events' names. */
export const SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map(
  Object.entries<GitHubEvent>(EVENTS).flatMap(([name, { subscription }]) =>
    subscription === null ? [] : [[name, subscription]],
  ),
);

/**
 * What a verified delivery asks for. Everything in a payload but ids is a hint; what cannot be used
 * of a push makes its comparison a full one instead of losing it.
 */
export function toIntent({ name, payload }: VerifiedEvent, wanted: Wanted): Decision {
  const event = eventNamed(name);
  return event ? event.decide(payload, wanted) : { kind: "ignored", reason: `nothing to do for ${name}` };
}
