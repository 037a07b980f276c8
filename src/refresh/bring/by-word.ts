import { asRefreshError } from "../../base/errors.js";
import { type RefHint, ZERO } from "../../base/model.js";
import {
  type BringContext,
  basesFor,
  expectedTip,
  learn,
  type Pass,
  type Plan,
  type Written,
  writeRefs,
} from "./context.js";

/**
 * Acts on deliveries that are provably the newest.
 * @returns null: GitHub does not serve a reported commit, because a replica lags or a later push removed it
 */
export async function bringByWord(context: BringContext, pass: Pass, plans: Plan[]): Promise<Written | null> {
  if (plans.length === 0) return { changes: [], refused: [] };
  const moves = plans.map(({ hint, facts }) => ({
    ref: hint.ref,
    before: facts.tip,
    after: expectedTip(hint),
    forced: wasForced(hint),
  }));
  const wants = [...new Set(moves.map(({ after }) => after).filter((after) => after !== ZERO))];
  const tips = moves.map(({ before }) => before);
  if (wants.length > 0 && !(await fetchWants(context, pass, wants, tips))) return null;
  const written = await writeRefs(context, pass, moves);
  const moved = new Set(written.changes.map(({ ref }) => ref));
  for (const { hint, facts } of plans) learn(context, pass, hint, moved.has(hint.ref) ? facts.tip : null);
  return written;
}

/** @returns false: GitHub does not serve one of the commits */
async function fetchWants(
  context: BringContext,
  pass: Pass,
  wants: string[],
  tips: string[],
): Promise<boolean> {
  const bases = await basesFor(context, pass, tips);
  try {
    const { id } = pass.repository;
    await pass.lend(() => context.mirrors.fetch(id, pass.lease, wants, bases, pass.run));
    return true;
  } catch (error) {
    if (asRefreshError(error).code === "not_yet") return false;
    throw error;
  }
}

/** A chain with a forced step may still end in a fast-forward, so git is asked. */
const wasForced = ({ points, forced }: RefHint): boolean | undefined =>
  forced === true && points.length > 2 ? undefined : forced;
