import { asRefreshError } from "../base/errors.js";
import { EVENTS, type Permission, SUBSCRIPTIONS, type Subscription } from "../deliveries/events.js";
import type { AppRights, InspectedInstallation, Inspector } from "../github/inspect.js";
import { type Finding, fail, failed, ok, warn } from "./finding.js";

const SKEW_WARN_MS = 10_000;
/** The App's JWT contains its time of issue, and GitHub rejects a time in the future. */
const SKEW_FAIL_MS = 60_000;
const MAX_SHOWN = 20;
const WHERE = "in the App's settings under Permissions & events";

export async function checkClock(github: Inspector, now = Date.now): Promise<Finding> {
  try {
    const askedAt = now();
    const at = await github.clock();
    const answeredAt = now();
    if (at === null)
      return warn("clock", "GitHub's answer has no date", "check whether a proxy responds in GitHub's place");
    return judgeClock(skewBetween(askedAt, at, answeredAt));
  } catch (error) {
    return failed("network", asRefreshError(error));
  }
}

/**
 * Returns how far the local clock is ahead of GitHub's, in milliseconds. GitHub read its clock between the question and
 * the answer, in whole seconds, so a slow answer is no skew.
 */
export function skewBetween(askedAt: number, at: number, answeredAt: number): number {
  if (askedAt > at + 1_000) return askedAt - at;
  return answeredAt < at ? answeredAt - at : 0;
}

/** @param skewMs how far this machine's clock is ahead; GitHub's clock has a resolution of one second */
export function judgeClock(skewMs: number): Finding {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const shown = `${seconds} s ${skewMs < 0 ? "behind" : "ahead of"} GitHub's`;
  if (Math.abs(skewMs) > SKEW_FAIL_MS) return fail("clock", shown, "set the clock: timedatectl set-ntp true");
  return Math.abs(skewMs) > SKEW_WARN_MS
    ? warn("clock", shown, "keep the clock in sync: timedatectl set-ntp true")
    : ok("clock", "as GitHub's");
}

export interface Needs {
  /** Whether REFSPECS includes refs of pull requests. */
  pullRequests: boolean;
  /** Whether REPOSITORIES asks for custom properties. */
  properties: boolean;
  /** Whether WIKIS is set. */
  wikis: boolean;
}

export async function checkApp(github: Inspector, needs: Needs): Promise<Finding[]> {
  try {
    const app = await github.app();
    const owner = app.owner === "" ? "" : ` of ${app.owner}`;
    const known = ok("App", `${app.slug}${owner}: APP_ID and the private key match`);
    return [known, ...rightsOf("App", app, needs), ...tooMuch(app), ...(await checkInstallations(github))];
  } catch (error) {
    return [failed("App", asRefreshError(error))];
  }
}

/** Some permissions of organisations have the level "admin", too. */
const mayRead = ({ name }: Permission, { permissions }: AppRights) =>
  ["read", "write", "admin"].includes(permissions[name] ?? "");

function isNeeded({ for: whom }: Subscription, needs: Needs): boolean {
  if (whom === "every App") return true;
  if (whom === "wikis") return needs.wikis;
  return whom === "custom properties" ? needs.properties : needs.pullRequests;
}

/** Without this permission git can fetch nothing, whatever the events. */
const CONTENTS = EVENTS.push.subscription.permission;

function rightsOf(about: string, rights: AppRights, needs: Needs): Finding[] {
  const found: Finding[] = [];
  if (!mayRead(CONTENTS, rights))
    found.push(fail(about, "cannot read contents", `set ${CONTENTS.title} to Read-only ${WHERE}`));
  for (const [event, subscription] of SUBSCRIPTIONS) {
    const isOptional = subscription.for !== "every App";
    if (!isNeeded(subscription, needs)) continue;
    if (!isDelivered(event, rights) || (isOptional && !mayRead(subscription.permission, rights)))
      found.push(notDelivered(about, event, subscription));
  }
  return found;
}

const isDelivered = (event: string, { events }: AppRights): boolean => events.includes(event);

function notDelivered(about: string, event: string, subscription: Subscription): Finding {
  const { title, permission, without } = subscription;
  const subscribe = `subscribe to ${title} ${WHERE}`;
  const remedy =
    subscription.for === "every App" ? subscribe : `set ${permission.title} to Read-only and ${subscribe}`;
  const detail = `does not receive ${event} events`;
  return without === null ? fail(about, detail, remedy) : warn(about, `${detail}: ${without}`, remedy);
}

function tooMuch({ permissions }: AppRights): Finding[] {
  const writes = Object.entries(permissions).filter(([, level]) => level === "write" || level === "admin");
  if (writes.length === 0) return [];
  const names = writes.map(([name]) => name).join(", ");
  return [
    warn("App", `may write (${names}); Lockstep only reads`, "remove the permission in the App's settings"),
  ];
}

async function checkInstallations(github: Inspector): Promise<Finding[]> {
  const all = await github.installations();
  if (all.length === 0)
    return [
      warn(
        "installations",
        "none",
        "install the App on an account: in the App's settings, choose Install App",
      ),
    ];
  const found = all.flatMap(checkInstallation);
  const wrong = found.filter(({ level }) => level !== "ok").slice(0, MAX_SHOWN);
  return [
    ok(
      "installations",
      all
        .map(({ login }) => login)
        .slice(0, MAX_SHOWN)
        .join(", "),
    ),
    ...wrong,
  ];
}

/** An installation keeps its old permissions until its owner accepts new ones. */
function checkInstallation(installation: InspectedInstallation): Finding[] {
  const { login, suspended } = installation;
  const about = `installation of ${login}`;
  if (suspended)
    return [warn(about, "is suspended", "unsuspend it in the account's settings, or uninstall it")];
  const accept = `ask the owner of ${login} to accept the App's new permissions`;
  const found: Finding[] = [];
  if (!mayRead(CONTENTS, installation)) found.push(fail(about, "cannot read contents", accept));
  for (const [event, { without }] of SUBSCRIPTIONS)
    if (without === null && !isDelivered(event, installation))
      found.push(fail(about, `does not receive ${event} events`, accept));
  return found;
}
