import { type RefreshIntent, type Subject, TRIGGERS } from "../base/model.js";
import type { WorkClass } from "./classes.js";
import type { HeldResource } from "./held-resources.js";
import { mergePushes, type QueuedHint } from "./merge.js";
import { pushesOf, type QueueRow } from "./rows.js";

/** What a trigger brings to a subject's row. */
export interface Arming {
  subject: Subject;
  intent: RefreshIntent;
  about: { installationId?: number; deliveryId?: string };
  generation: number;
  workClass: WorkClass;
  quietPeriodMs: number;
  /** The hold on what the next run certainly needs; null: nothing of it is held. */
  hold: HeldResource | null;
  /** The time of the steady clock, and that of the machine's clock. */
  at: number;
  wallAt: number;
}

/** Lists are short calls that much other work waits for, so lists have the priority of operators' requests. */
const LIST_PRIORITY = TRIGGERS.indexOf("manual");

const QUIET_PERIODS = 10;

/** Merges a trigger into a row. The caller makes the row ready, or lets it wait until `dueAt`. */
export function armedRow(row: QueueRow | null, arming: Arming): QueueRow {
  const { subject, intent, about, generation, workClass, wallAt } = arming;
  const pushes = intent.hints.map((hint) => ({ ...hint, receivedAt: hint.receivedAt ?? wallAt }));
  const { hints, unlisted } = mergePushes(pushesOf(row), pushes, generation);
  // A delivery without its payload, as recovery finds them, may be of any ref.
  const isUnknown = about.deliveryId !== undefined && intent.full;
  const full = intent.full || unlisted !== null;
  const isRefresh = subject.kind === "repository" || subject.kind === "publish";
  const priority = isRefresh ? TRIGGERS.indexOf(intent.trigger) : LIST_PRIORITY;
  return {
    ...(row ?? NEW),
    ...dueOf(row, arming),
    subject,
    generation,
    class: row?.state === "running" ? row.class : workClass,
    installationId: about.installationId ?? row?.installationId ?? 0,
    priority: Math.min(priority, row?.priority ?? priority),
    hints: JSON.stringify(isUnknown ? hints.map(contest) : hints),
    unlisted: unlisted && JSON.stringify(unlisted),
    isBehind: false,
    fullGeneration: full ? generation : (row?.fullGeneration ?? 0),
    deliveryId: about.deliveryId ?? row?.deliveryId ?? null,
    armedAt: row?.armedAt ?? wallAt,
  };
}

const NEW: Omit<QueueRow, "subject" | "installationId" | "generation" | "class" | "priority"> = {
  hints: "[]",
  fullGeneration: 0,
  deliveryId: null,
  tag: 0,
  state: "waiting",
  armedAt: null,
  dueAt: null,
  quietUntil: null,
  runningSince: null,
  begun: 0,
  attempts: {},
  retryAt: null,
  retryFor: null,
  isSlow: false,
  heldBy: null,
  met: null,
  unlisted: null,
  isBehind: false,
};

const contest = (hint: QueuedHint): QueuedHint => ({ ...hint, contested: true });

type Due = Pick<QueueRow, "dueAt" | "quietUntil" | "heldBy" | "met">;

/**
 * A fresh push or an operator ends a wait early, but never one that GitHub asked for. Onboarding ends a
 * backoff too: after a restart the first call to GitHub waits for no earlier backoff. A backstop ends the
 * backoff of lists, since INTERVAL says how often GitHub is asked for lists. A failing repository keeps its
 * backoff, and one that runs is not due because of the backstop alone. A row that only waits for a lagging
 * replica is asked again by each pass. A push has been quiet before its refresh, so a publish is not delayed
 * once more.
 */
function dueOf(row: QueueRow | null, { subject, intent, quietPeriodMs, hold, at }: Arming): Due {
  const { trigger } = intent;
  const isPublish = subject.kind === "publish";
  const isKept = subject.kind === "repository" || isPublish;
  if (trigger === "backstop" && isKept && row && !row.isBehind) {
    const { dueAt, quietUntil, heldBy, met } = row;
    return { dueAt, quietUntil, heldBy, met };
  }
  const heldBy = hold?.key ?? null;
  const heldUntil = hold?.until ?? 0;
  // A row that is due already stays due since then.
  if (row?.state === "ready" || trigger !== "push" || quietPeriodMs === 0 || isPublish) {
    const dueAt = Math.min(row?.state === "ready" ? (row.dueAt ?? at) : at, at);
    return { dueAt: Math.max(dueAt, heldUntil), quietUntil: null, heldBy, met: null };
  }
  const quietUntil = row?.quietUntil ?? at + QUIET_PERIODS * quietPeriodMs;
  const dueAt = Math.max(Math.min(at + quietPeriodMs, quietUntil), heldUntil);
  return { dueAt, quietUntil, heldBy, met: null };
}
