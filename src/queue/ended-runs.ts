import type { Random } from "../base/backoff.js";
import type { RefreshError } from "../base/errors.js";
import { keyOf } from "../base/model.js";
import { serverOf } from "../base/resources.js";
import type { Left, Snapshot } from "./contract.js";
import type { HeldResources } from "./held-resources.js";
import type { QueuedHint } from "./merge.js";
import type { Outages } from "./outages.js";
import { DISK } from "./parts.js";
import { retryDelayMs } from "./retry.js";
import { pushesOf, type QueueRow } from "./rows.js";

export interface EndPorts {
  held: HeldResources;
  outages: Outages;
  random: Random | undefined;
  /** Called when an answer ended the server's outage. */
  release(server: string): void;
}

/** A row that met a server that is out is due again after this time, if the end of the outage is not seen. */
export const OUTAGE_WAIT_MS = 10 * 60_000;

/** What a failure makes of its row; the caller makes the row ready or lets it wait. */
type Failed = QueueRow & { dueAt: number };

/** Says when a row is due again after a failed run. Null: the row is not repeated. */
export function failedRow(
  ports: EndPorts,
  row: QueueRow,
  { snapshot, error, at }: { snapshot: Snapshot; error: RefreshError; at: number },
): Failed | null {
  const cameIn = row.generation > snapshot.generation;
  const ended = { ...endedRow(row), armedAt: snapshot.request.armedAt };
  noteAnswer(ports, error);
  // The repository's state says what is wrong, and the backstop checks every repository that is not fresh.
  if (error.retry.kind === "never") return cameIn ? { ...ended, dueAt: row.dueAt ?? at } : null;
  if (error.retry.kind === "slot") return { ...ended, class: "long", isSlow: true, dueAt: at };
  if (error.retry.kind === "after")
    return heldRow(ports, { row, ended, error, at, until: at + error.retry.ms });
  if (isUnanswered(error) && ports.outages.failed(serverOf(error.resource), keyOf(row.subject)))
    return { ...ended, met: serverOf(error.resource), dueAt: at + OUTAGE_WAIT_MS };
  return retriedRow(ports, { row, ended, error, at });
}

/** The fields that describe a run end with it. */
export const endedRow = (row: QueueRow): QueueRow => ({
  ...row,
  runningSince: null,
  begun: 0,
  isSlow: false,
  heldBy: null,
  met: null,
  isBehind: false,
});

/** What a run leaves when it did all that the row asked for up to this generation. */
export function doneRow(row: QueueRow, generation: number): QueueRow {
  const { hints, unlisted } = pushesOf(row);
  const isNew = (came: { generation: number }) => came.generation > generation;
  return {
    ...endedRow(row),
    hints: JSON.stringify(hints.filter(isNew)),
    unlisted: unlisted && isNew(unlisted) ? row.unlisted : null,
    fullGeneration: row.fullGeneration > generation ? row.fullGeneration : 0,
    attempts: {},
    retryAt: null,
    retryFor: null,
  };
}

interface Kept {
  snapshot: Snapshot;
  left: Left;
  /** The time of the steady clock, and that of the machine's clock. */
  at: number;
  wallAt: number;
}

/** What a run leaves when GitHub does not show some pushes yet. Nothing has failed. */
export function keptRow(row: QueueRow, { snapshot, left, at, wallAt }: Kept): QueueRow {
  const cameIn = row.generation > snapshot.generation;
  // A receipt that lies ahead is from before the clock was set back; the patience counts from now.
  const dated = <T extends { receivedAt: number }>(push: T): T => ({
    ...push,
    receivedAt: Math.min(push.receivedAt, wallAt),
  });
  const { hints, unlisted } = pushesOf(row);
  const isLeft = ({ ref, generation }: QueuedHint) =>
    generation > snapshot.generation || left.refs.includes(ref);
  const isFull = left.full || row.fullGeneration > snapshot.generation;
  const askAt = at + left.dueInMs;
  return {
    ...doneRow(row, snapshot.generation),
    hints: JSON.stringify(hints.filter(isLeft).map(dated)),
    unlisted: unlisted && JSON.stringify(dated(unlisted)),
    fullGeneration: isFull ? row.generation : 0,
    dueAt: cameIn ? Math.min(row.dueAt ?? askAt, askAt) : askAt,
    armedAt: snapshot.request.armedAt,
    isBehind: left.isBehind && !cameIn,
  };
}

type Unanswered = RefreshError & { resource: NonNullable<RefreshError["resource"]> };

/** Whether the server of the error's resource gave no useful answer. */
const isUnanswered = (error: RefreshError): error is Unanswered =>
  error.is("serverIsSilent") && error.resource !== undefined;

/** Returns what a row waits for beside its backoff; null: for nothing else. */
function metBy(error: RefreshError): string | null {
  if (error.is("endsWithRoom")) return DISK;
  return isUnanswered(error) ? serverOf(error.resource) : null;
}

/** A refusal is an answer, which ends an outage. */
function noteAnswer({ outages, release }: EndPorts, error: RefreshError): void {
  if (!error.resource || error.is("serverIsSilent")) return;
  const server = serverOf(error.resource);
  if (outages.reached(server)) release(server);
}

interface End {
  row: QueueRow;
  ended: QueueRow;
  error: RefreshError;
}

/** The wait that GitHub asked for uses up no attempt, since GitHub gave no answer about the repository. */
function heldRow(
  { held }: EndPorts,
  { row, ended, error, ...wait }: End & { at: number; until: number },
): Failed {
  const { resource } = error;
  if (!resource) return { ...counted(ended, error), met: metBy(error), dueAt: wait.until };
  const hold = held.hold(resource, row, wait);
  // A push during the run may need nothing of what is held, unless git is.
  const cameIn = resource.kind === "git" ? null : row.dueAt;
  return { ...ended, heldBy: hold.key, dueAt: Math.min(hold.until, cameIn ?? hold.until) };
}

/**
 * A run that a push started before its wait was over counts for nothing: pushes during a failure would
 * otherwise lengthen the wait.
 */
function retriedRow({ random }: EndPorts, { row, ended, error, at }: End & { at: number }): Failed {
  const isEarly = row.retryFor === error.code && (row.runningSince ?? at) < (row.retryAt ?? 0);
  const next = isEarly ? ended : counted(ended, error);
  const retry = retryDelayMs(error, next.attempts[error.code] ?? 1, random);
  const retryAt = isEarly && row.retryAt! > at ? row.retryAt! : at + retry.ms;
  return {
    ...next,
    retryAt,
    retryFor: error.code,
    met: metBy(error),
    fullGeneration: asksForAll(row, retry) ? row.generation : row.fullGeneration,
    dueAt: Math.min(row.dueAt ?? retryAt, retryAt),
  };
}

/** A publish compares no refs: for it, `full` means that commits that were refused are offered once more. */
const asksForAll = ({ subject }: QueueRow, { full }: { full: boolean }): boolean =>
  full && subject.kind !== "publish";

const counted = (row: QueueRow, { code }: RefreshError): QueueRow => ({
  ...row,
  attempts: { ...row.attempts, [code]: (row.attempts[code] ?? 0) + 1 },
});
