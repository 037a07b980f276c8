import { ZERO } from "../../base/model.js";
import { isOutdated } from "../decide.js";
import { type BringContext, basesFor, expectedTip, type Pass, type Plan } from "./context.js";

/** A fetch that goes on while GitHub is asked something else. */
export interface FetchAhead {
  /** Resolves when the fetch has ended, to the objects that it brought. Never rejects. */
  done: Promise<ReadonlySet<string>>;
  /** Ends the fetch early; `done` resolves soon. */
  cancel(): void;
}

const NOTHING: FetchAhead = { done: Promise.resolve(new Set<string>()), cancel() {} };

/**
 * Fetches what the deliveries report, by object name, on a lease of its own: it brings nothing that another
 * repository of the same name might have besides, and its failure decides nothing. What a late delivery reports is
 * not fetched: a later state was read already, so no ref would reach those objects.
 */
export function fetchReported(context: BringContext, pass: Pass, plans: Plan[]): Promise<FetchAhead> {
  const allowed = Promise.resolve();
  const likely = plans.filter(({ hint, facts }) => !isOutdated(hint, facts));
  return fetchAhead(context, pass, { plans: likely, wantOf: ({ hint }) => expectedTip(hint), allowed });
}

/**
 * Starts to fetch what GitHub answered, where that is not what the deliveries report. git is ready to ask when the
 * repository's name is confirmed, and asks for nothing before. Its failure decides nothing.
 * @param confirmed rejects when the name is not this repository's
 */
export function fetchAnswered(
  context: BringContext,
  pass: Pass,
  { plans, tips, confirmed }: { plans: Plan[]; tips: Map<string, string>; confirmed: Promise<unknown> },
): Promise<FetchAhead> {
  const unexpected = plans.filter(({ hint }) => (tips.get(hint.ref) ?? ZERO) !== expectedTip(hint));
  const wantOf = ({ hint }: Plan) => tips.get(hint.ref) ?? ZERO;
  return fetchAhead(context, pass, { plans: unexpected, wantOf, allowed: confirmed });
}

interface Ahead {
  plans: Plan[];
  /** The object that the ref should have; ZERO: none. */
  wantOf(plan: Plan): string;
  /** Nothing is fetched before this has resolved. */
  allowed: Promise<unknown>;
}

async function fetchAhead(
  context: BringContext,
  pass: Pass,
  { plans, wantOf, allowed }: Ahead,
): Promise<FetchAhead> {
  const missing = plans.filter((plan) => ![ZERO, plan.facts.tip].includes(wantOf(plan)));
  const wants = [...new Set(missing.map(wantOf))];
  if (wants.length === 0) return NOTHING;
  const tips = missing.map(({ facts }) => facts.tip);
  const bases = await basesFor(context, pass, tips);
  const abort = new AbortController();
  const signal = AbortSignal.any([pass.run.signal, abort.signal]);
  return { done: fetchWants(context, pass, { wants, bases, signal, allowed }), cancel: () => abort.abort() };
}

interface Fetch {
  wants: string[];
  bases: string[];
  signal: AbortSignal;
  allowed: Promise<unknown>;
}

async function fetchWants(
  { mirrors }: BringContext,
  pass: Pass,
  { wants, bases, signal, allowed }: Fetch,
): Promise<ReadonlySet<string>> {
  const lease = pass.openLease({ allowed });
  try {
    await mirrors.fetch(pass.repository.id, lease, wants, bases, { ...pass.run, signal });
    return new Set(wants);
  } catch {
    return new Set(); // What GitHub shows is fetched afterwards, and a lasting failure is met again there.
  } finally {
    lease.close();
  }
}
