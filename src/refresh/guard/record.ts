import { fullName } from "../../base/names.js";
import { forEachInSlices, selectInSlices } from "../../base/slices.js";
import type { Made } from "../../git/mirror/carry.js";
import type { Hold } from "../holds.js";
import {
  allowCall,
  apiPathOf,
  type GuardContext,
  type GuardedRepository,
  MAX_NAMED,
  type Move,
} from "./context.js";
import type { Ruling } from "./rule.js";

/** Records what became of the holds, once the changes are made. */
export async function recordRulings(
  context: GuardContext,
  repository: GuardedRepository,
  moves: Move[],
  rulings: Ruling[],
  made: Made,
): Promise<void> {
  const { id } = repository;
  // Each move has its ruling, in the same order, and few rulings are about holds.
  const about = await selectInSlices(rulings.entries(), ([, { hold, ended }]) => Boolean(hold ?? ended));
  const lost = new Set((made.lost ?? []).map(({ ref, sha }) => `${sha} ${ref}`));
  await forEachInSlices(about, ([n, { hold, isNewHold, ended }]) => {
    if (ended) endHold(context, repository, ended.hold, ended.why);
    if (!hold) return;
    const wanted = moves[n]!.after;
    if (lost.has(`${hold.tip} ${hold.ref}`)) {
      if (!isNewHold) endHold(context, repository, hold, "its tip was lost with the old mirror");
    } else if (isNewHold) beginHold(context, repository, hold);
    else if (wanted !== hold.wanted) context.holds.follow(id, hold, wanted);
  });
  reportKept(context, repository, made);
}

function beginHold({ holds, log }: GuardContext, repository: GuardedRepository, hold: Hold): void {
  holds.begin(repository.id, hold);
  const { ref, tip, wanted } = hold;
  const details = {
    repository: fullName(repository),
    ref,
    tip,
    wanted,
    allow: allowCall(repository, hold),
  };
  log.warn({ event: "ref_held", ...details }, "blocked a forced change; the ref is held at its old tip");
}

/** Ends a hold, and logs the reason. */
export function endHold(
  { holds, log }: GuardContext,
  repository: GuardedRepository,
  hold: Hold,
  reason: string,
): void {
  holds.end(repository.id, hold);
  const { ref, tip } = hold;
  log.info({ event: "hold_ended", repository: fullName(repository), ref, tip, reason }, "a hold ended");
}

function reportKept(
  { log }: GuardContext,
  repository: GuardedRepository,
  { kept: keptTips, lost = [], unreadable }: Made,
): void {
  const about = { repository: fullName(repository) };
  if (keptTips.length > 0) {
    const names = keptTips.slice(0, MAX_NAMED).map(({ name }) => name);
    const restore = `POST ${apiPathOf(repository)}/restore`;
    log.info({ event: "tips_kept", ...about, tips: keptTips.length, kept: names, restore }, "kept old tips");
  }
  if (lost.length > 0) {
    log.warn(
      { event: "tips_lost", ...about, tips: lost.length, lost: lost.slice(0, MAX_NAMED) },
      "old tips were lost because the mirror was deleted or corrupt",
    );
  }
  if (unreadable)
    log.warn(
      { event: "kept_tips_unreadable", ...about },
      "could not read the refs of a corrupt mirror; its kept tips are lost",
    );
}
