import { type RefHint, ZERO } from "../../base/model.js";
import type { Move } from "../guard.js";
import {
  type BringContext,
  type Brought,
  expectedTip,
  fetchNewTips,
  learn,
  NOTHING,
  type Pass,
  type Plan,
  writeRefs,
} from "./context.js";
import { fetchAnswered, fetchReported } from "./fetch-ahead.js";
import { ruleOnAnswers } from "./old-answers.js";

/** GitHub's answers about the refs of the plans, and what was fetched meanwhile. */
interface Answers {
  tips: Map<string, string>;
  /** The repository's `pushed_at`, in whole seconds since 1970; null: the name was not confirmed. */
  pushedAt: number | null;
  fetched: ReadonlySet<string>;
}

/** Asks GitHub where the refs are, and fetches meanwhile what the deliveries report. */
export async function bringByName(context: BringContext, pass: Pass, plans: Plan[]): Promise<Brought> {
  if (plans.length === 0) return NOTHING;
  const refs = plans.map(({ hint }) => hint.ref);
  // The question goes out first: what GitHub refuses is then the pass's own failure.
  const asked = pass.lend(() => context.mirrors.remoteRefs(pass.lease, refs, pass.run));
  asked.catch(() => {}); // It is awaited below, once the fetch has begun.
  const ahead = await fetchReported(context, pass, plans);
  try {
    const tips = await asked;
    const isProven = plans.every((plan) => proves(tips, plan));
    const late = isProven ? null : await confirm(context, pass, plans, tips);
    const early = await pass.lend(() => ahead.done);
    const fetched = new Set([...early, ...(late?.fetched ?? [])]);
    const answers = { tips, pushedAt: late?.pushedAt ?? null, fetched };
    return await takeAnswers(context, pass, plans, answers);
  } finally {
    ahead.cancel();
    // Nothing else may happen in the mirror while git still runs there.
    await ahead.done;
  }
}

/**
 * An answer that equals the tip of a signed delivery is about this repository, whoever has the name now. Any other
 * answer counts only once GitHub has confirmed the name. An absent ref proves nothing about the name, so a deletion is
 * confirmed, too.
 */
function proves(tips: Map<string, string>, { hint }: Plan): boolean {
  const answer = tips.get(hint.ref) ?? ZERO;
  return answer !== ZERO && answer === expectedTip(hint);
}

/** Confirms the name while git gets ready to fetch what the deliveries did not report. */
async function confirm(
  context: BringContext,
  pass: Pass,
  plans: Plan[],
  tips: Map<string, string>,
): Promise<Pick<Answers, "fetched"> & { pushedAt: number }> {
  const confirmed = pass.confirmName();
  confirmed.catch(() => {}); // It is awaited below, once git has started.
  const behind = await fetchAnswered(context, pass, { plans, tips, confirmed });
  try {
    return await pass.lend(async () => ({ pushedAt: await confirmed, fetched: await behind.done }));
  } finally {
    behind.cancel();
    await behind.done;
  }
}

async function takeAnswers(
  context: BringContext,
  pass: Pass,
  plans: Plan[],
  answers: Answers,
): Promise<Brought> {
  const moves: Move[] = [];
  const proven: RefHint[] = [];
  const brought: Brought = { ...NOTHING, open: [], abandoned: [] };
  const answered = plans.map(({ hint, facts }) => {
    const answer = answers.tips.get(hint.ref) ?? ZERO;
    return { ref: hint.ref, answer, hint, facts };
  });
  const ruled = await ruleOnAnswers(context, pass, answered, answers.pushedAt ?? 0);
  for (const [n, { ruling }] of ruled.entries()) {
    const { hint, facts, answer } = answered[n]!;
    if (ruling.kind === "open") {
      brought.open.push(ruling.open);
      continue;
    }
    if (ruling.kind === "abandon") brought.abandoned.push(hint);
    proven.push(hint);
    if (answer !== expectedTip(hint)) brought.superseded = true;
    moves.push({ ref: hint.ref, before: facts.tip, after: answer });
  }
  const { fetched } = answers;
  const missing = moves.filter(({ after }) => !fetched.has(after));
  await fetchNewTips(context, pass, missing, [...moves.map(({ before }) => before), ...fetched]);
  Object.assign(brought, await writeRefs(context, pass, moves));
  // Without a confirmed name, an answer proves no later time than its delivery does.
  const servedAt = answers.pushedAt === null ? 0 : (pass.lease.servedAt() ?? 0);
  for (const hint of proven) {
    learn(context, pass, { ...hint, pushedAt: Math.max(hint.pushedAt, servedAt) }, null);
  }
  return brought;
}
