import { iso } from "../base/units.js";
import { isTaken, remedyOf } from "../deliveries/call-status.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import type { Problem, SilenceCause } from "./problems.js";

/** The latest pushes that no delivery reported. */
export type MissedPushes = { at: number; repository: string; count: number };

interface Reason {
  cause?: SilenceCause;
  text: string;
  remedy: string;
}

const NOT_LOGGED: Reason = {
  cause: "not_logged",
  text: "of the deliveries in GitHub's log",
  remedy:
    "activate the App's webhook and give it a URL, such as https://lockstep.invalid/: GitHub logs only what it tries to deliver",
};

/** @param deliveredAt when a delivery last arrived, in milliseconds since 1970; null when none did in 8 days */
export function silenceProblems(
  { at, repository, count }: MissedPushes,
  deliveredAt: number | null,
  {
    deliverySource,
    log,
  }: { deliverySource: "webhook" | "pull"; log: Pick<RecoveryState, "newest" | "readAt"> },
): Problem[] {
  const { cause, text, remedy } = deliverySource === "pull" ? NOT_LOGGED : reasonOf(log);
  const last = deliveredAt === null ? "there were none in 8 days" : `the last one was at ${iso(deliveredAt)}`;
  const what = count === 1 ? "1 push was received" : `${count} pushes were received`;
  const detail = `${what} without a delivery, such as one to ${repository}; ${text} ${last}`;
  return [{ code: "webhook_silent", since: at, detail, remedy, ...(cause ? { cause } : {}) }];
}

/** GitHub's own log says whether GitHub calls, and what it was answered. */
function reasonOf({ newest, readAt }: Pick<RecoveryState, "newest" | "readAt">): Reason {
  const arrived = "of the webhook calls that arrived";
  if (newest && !isTaken(newest.status)) {
    const when = `GitHub's last call, at ${iso(newest.at)},`;
    const remedy = remedyOf(newest.status);
    if (newest.status === 0)
      return { cause: "unanswered", text: `${when} got no answer; ${arrived}`, remedy };
    return { cause: "refused", text: `${when} was answered ${newest.status}; ${arrived}`, remedy };
  }
  if (readAt === null)
    return {
      text: arrived,
      remedy: "check the App's webhook URL and secret, and its recent deliveries in its settings",
    };
  return {
    cause: "not_called",
    text: `GitHub's log has no call for it; ${arrived}`,
    remedy:
      "in the App's settings, check that the webhook is active, its URL, and that it subscribes to Push",
  };
}
