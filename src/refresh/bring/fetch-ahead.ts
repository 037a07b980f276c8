import { ZERO } from "../../base/model.js";
import { type BringContext, basesFor, expectedTip, type Pass, type Plan } from "./context.js";

/** A fetch that goes on while GitHub is asked where the refs are. */
export interface FetchAhead {
  /** Resolves when the fetch has ended, to the objects that it brought. Never rejects. */
  done: Promise<ReadonlySet<string>>;
  /** Ends the fetch early; `done` resolves soon. */
  cancel(): void;
}

/**
 * Fetches what the deliveries report, by object name, on a lease of its own: it brings nothing that another
 * repository of the same name might have besides, and its failure decides nothing.
 */
export async function fetchAhead(context: BringContext, pass: Pass, plans: Plan[]): Promise<FetchAhead> {
  const missing = plans.filter(({ hint, facts }) => ![ZERO, facts.tip].includes(expectedTip(hint)));
  const wants = [...new Set(missing.map(({ hint }) => expectedTip(hint)))];
  if (wants.length === 0) return { done: Promise.resolve(new Set<string>()), cancel() {} };
  const tips = missing.map(({ facts }) => facts.tip);
  const bases = await basesFor(context, pass, tips);
  const abort = new AbortController();
  const signal = AbortSignal.any([pass.run.signal, abort.signal]);
  return { done: fetchWants(context, pass, { wants, bases, signal }), cancel: () => abort.abort() };
}

async function fetchWants(
  { mirrors }: BringContext,
  pass: Pass,
  { wants, bases, signal }: { wants: string[]; bases: string[]; signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const lease = pass.openLease();
  try {
    await mirrors.fetch(pass.repository.id, lease, wants, bases, { ...pass.run, signal });
    return new Set(wants);
  } catch {
    return new Set(); // What GitHub shows is fetched afterwards, and a lasting failure is met again there.
  } finally {
    lease.close();
  }
}
