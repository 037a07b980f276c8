import { ZERO } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { KeptTip } from "../../git/mirror/kept.js";
import type { BringContext, Pass } from "./context.js";

/** Between two full comparisons the limit may be exceeded by a tenth, so that not every push reads all tips. */
const SLACK = 1.1;

/** Drops what was fetched for readers long ago, from a mirror that may not be read any more. */
export async function forgetServed({ mirrors, dropped }: BringContext, pass: Pass): Promise<void> {
  const { id } = pass.repository;
  const changes = await mirrors.dropServed(id);
  if (changes.length > 0) dropped(id, changes);
}

/** Drops kept tips older than KEEP_HISTORY, and the oldest of those beyond KEEP_HISTORY_TIPS. */
export async function forgetOldTips(context: BringContext, pass: Pass): Promise<void> {
  const { mirrors, keepHistoryMs, maxKeptTips, earliestNow } = context;
  const { id } = pass.repository;
  const since = earliestNow() - keepHistoryMs;
  const keptTips = await mirrors.kept(id, pass.run.signal);
  const old = keptTips.filter(({ at }) => at < since);
  const young = keptTips.filter(({ at }) => at >= since);
  const excess = young.slice(0, Math.max(0, young.length - maxKeptTips));
  await drop(context, pass, [...old, ...excess]);
  // A process that was killed between the two drops has left names in the database alone.
  await mirrors.forgetKeptBefore(id, since);
  if (excess.length > 0) reportExcess(context, pass, excess);
}

/** Drops the oldest tips as soon as there are clearly too many, however long the next comparison takes. */
export async function forgetExcessTips(context: BringContext, pass: Pass): Promise<void> {
  if (context.mirrors.countKept(pass.repository.id) > context.maxKeptTips * SLACK)
    await forgetOldTips(context, pass);
}

async function drop({ mirrors, dropped }: BringContext, { repository: { id } }: Pass, tips: KeptTip[]) {
  if (tips.length === 0) return;
  await mirrors.dropKept(id, tips);
  dropped(
    id,
    tips.map(({ name, sha }) => ({ ref: name, before: sha, after: ZERO })),
  );
}

function reportExcess({ maxKeptTips, log }: BringContext, { repository }: Pass, excess: KeptTip[]): void {
  log.warn(
    {
      event: "kept_tips_dropped",
      repository: fullName(repository),
      tips: excess.length,
      limit: maxKeptTips,
      remedy: "raise KEEP_HISTORY_TIPS to keep more",
    },
    "dropped the oldest kept tips because there are more than KEEP_HISTORY_TIPS",
  );
}
