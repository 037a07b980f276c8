import { monotonicMs } from "../../base/clock.js";
import { forEachInSlices } from "../../base/slices.js";

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** So many questions wait for no further ones. */
const FULL = 5_000;
/** Nor do questions that have waited so long. */
const LONGEST_WAIT_MS = 250;

/**
 * Collects the questions that are asked in one turn of the event loop, or in several turns without a pause, and has
 * them answered together, so that their number does not become a number of processes.
 * @param answer answers all questions about one subject, in their order
 * @param clock monotonic, in milliseconds
 */
export function inBatches<Subject, Question, Answer>(
  answer: (subject: Subject, questions: Question[]) => Promise<Answer[]>,
  clock: () => number = monotonicMs,
): (subject: Subject, question: Question) => Promise<Answer> {
  const waiting = new Map<Subject, Waiting<Question, Answer>[]>();
  const flush = async (subject: Subject) => {
    const all = waiting.get(subject) ?? [];
    waiting.delete(subject);
    try {
      const answers = await answer(
        subject,
        all.map(({ question }) => question),
      );
      await forEachInSlices(all.entries(), ([n, { resolve }]) => resolve(answers[n]!));
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  };
  /** @param seen the number of questions when this turn of the event loop began */
  const flushOnceQuiet = (subject: Subject, seen: number, until: number) => {
    const count = waiting.get(subject)?.length ?? 0;
    const waits = count > seen && count < FULL && clock() < until;
    if (waits) setImmediate(() => flushOnceQuiet(subject, count, until));
    else void flush(subject);
  };
  return (subject, question) =>
    new Promise((resolve, reject) => {
      const all = waiting.get(subject) ?? [];
      all.push({ question, resolve, reject });
      if (all.length > 1) return;
      waiting.set(subject, all);
      setImmediate(() => flushOnceQuiet(subject, 1, clock() + LONGEST_WAIT_MS));
    });
}
