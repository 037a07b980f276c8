import type { EmitterWebhookEventName } from "@octokit/webhooks";
import {
  type Decision,
  FULL_AFTER,
  fromCustomProperties,
  fromInstallation,
  fromPullRequest,
  fromPush,
  fromRepository,
  fromWiki,
  HEAD_MOVES,
  type Wanted,
} from "./decisions.js";

/** A delivery with a valid signature. */
export interface VerifiedEvent {
  /** The value of X-GitHub-Delivery. */
  id: string;
  /** The value of X-GitHub-Event. */
  name: string;
  payload: unknown;
  /** In milliseconds since 1970. */
  receivedAt: number;
}

/** A permission of the App: its name in GitHub's API, and its title in the App's settings. */
export interface Permission {
  name: string;
  title: string;
}

/** The settings of the App that make GitHub deliver an event. */
export interface Subscription {
  /** GitHub's name for the event in the App's settings. */
  title: string;
  /** GitHub offers the event only to an App with this permission. */
  permission: Permission;
  /**
   * The Apps that need the subscription: every App, by app.yml, or only one whose REFSPECS includes refs of
   * pull requests, whose REPOSITORIES asks for custom properties, or whose WIKIS is set.
   */
  for: "every App" | "refs of pull requests" | "custom properties" | "wikis";
  /** What is slower without the subscription; null means that nothing works without it. */
  without: string | null;
}

/** An event of GitHub's that Lockstep handles. */
export interface GitHubEvent {
  decide(payload: unknown, wanted: Wanted, receivedAt: number): Decision;
  /**
   * Whether a connection to GitHub is opened as soon as a delivery is verified, because git is about to
   * fetch.
   */
  warmsConnection: boolean;
  /** Whether name, default branch or membership of the repository may differ from what is known. */
  invalidatesName: boolean;
  /**
   * Whether one call for the payload is worth its cost: only the payload, not GitHub's log, says which refs
   * moved.
   */
  needsPayload: boolean;
  /** Null means that GitHub delivers the event to every App. */
  subscription: Subscription | null;
  /** The event's row in docs/how-it-works.md: the handled actions, and the resulting request. */
  docs: { actions?: readonly string[]; request: string };
}

const CONTENTS: Permission = { name: "contents", title: "Contents" };
const METADATA: Permission = { name: "metadata", title: "Metadata" };
/** A permission of the organisation, not of its repositories. */
const CUSTOM_PROPERTIES: Permission = { name: "organization_custom_properties", title: "Custom properties" };
const PULL_REQUESTS: Permission = { name: "pull_requests", title: "Pull requests" };

/**
 * Lists every event that Lockstep handles. Receiver, acceptance, recovery and `lockstep doctor` use the
 * table; tests compare app.yml, README.md and docs/how-it-works.md with it. The compiler knows every name of GitHub's.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
export const EVENTS = {
  push: {
    decide: fromPush,
    warmsConnection: true,
    invalidatesName: false,
    needsPayload: true,
    subscription: { title: "Push", permission: CONTENTS, for: "every App", without: null },
    docs: { request: "this ref, or every ref if the payload's ref, tips or time cannot be used" },
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
      without: "renames are not applied until the next backstop pass",
    },
    docs: {
      request: `a reconciliation of that repository; ${FULL_AFTER.join(", ")}: with a full comparison`,
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
      without: "refs like these are not updated until the next full comparison",
    },
    docs: {
      actions: HEAD_MOVES,
      request:
        "`refs/pull/N/head` by name, if `REFSPECS` includes it (subscribe to the event; it needs Pull requests: read)",
    },
  },
  custom_property_values: {
    decide: fromCustomProperties,
    warmsConnection: false,
    invalidatesName: false,
    needsPayload: false,
    subscription: {
      title: "Custom property values",
      permission: CUSTOM_PROPERTIES,
      for: "custom properties",
      without: "changed properties count from the next backstop pass",
    },
    docs: {
      request:
        "a reconciliation of that repository, for `property:` in `REPOSITORIES` (subscribe to the event; it needs the organization permission Custom properties: read)",
    },
  },
  gollum: {
    decide: fromWiki,
    warmsConnection: true,
    invalidatesName: false,
    needsPayload: false,
    subscription: {
      title: "Wiki",
      permission: CONTENTS,
      for: "wikis",
      without: "edited wikis are not refreshed until the next backstop pass",
    },
    docs: { request: "every ref of the repository's wiki, if `WIKIS=yes` (subscribe to the event)" },
  },
  installation: ofInstallation("installation"),
  installation_repositories: ofInstallation("installation_repositories"),
  installation_target: ofInstallation("installation_target"),
} as const satisfies Partial<Record<EmitterWebhookEventName, GitHubEvent>>;

function ofInstallation(name: string): GitHubEvent {
  return {
    decide: (payload) => fromInstallation(name, payload),
    warmsConnection: false,
    invalidatesName: false,
    needsPayload: false,
    subscription: null,
    docs: { request: "a reconciliation of that installation" },
  };
}

/** @returns null when Lockstep does nothing for the event */
export const eventNamed = (name: string): GitHubEvent | null =>
  Object.hasOwn(EVENTS, name) ? EVENTS[name as keyof typeof EVENTS] : null;

/** Lists the subscriptions that the App needs, by the names of the events. */
export const SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map(
  Object.entries<GitHubEvent>(EVENTS).flatMap(([name, { subscription }]) =>
    subscription === null ? [] : [[name, subscription]],
  ),
);

/**
 * Decides what a verified delivery asks for. Everything in a payload except ids is a hint. A push with an
 * unusable field leads to a full comparison, so no push is lost.
 */
export function toIntent({ name, payload, receivedAt }: VerifiedEvent, wanted: Wanted): Decision {
  const event = eventNamed(name);
  return event
    ? event.decide(payload, wanted, receivedAt)
    : { kind: "ignored", reason: `nothing to do for ${name}` };
}
