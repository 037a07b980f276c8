import { createHmac, randomBytes } from "node:crypto";
import { dropOldest } from "../../base/drop-oldest.js";

/** What was found out about one credential and one name. */
export interface KnownAnswer {
  kind: "yes" | "no" | "unauthorized";
  /** The managed repository that the name was proven to be; null: none. */
  repositoryId: number | null;
}

const YES_MS = 5 * 60_000;
const NO_MS = 15_000;
const MAX_ANSWERS = 50_000;

interface Kept extends KnownAnswer {
  until: number;
  name: string;
}

/**
 * Remembers GitHub's answers, a yes for 5 minutes and a no for 15 seconds. A key is made with a value of this process,
 * so that no credential lies in memory, and none could be found by its digest.
 */
export function createAnswers(clock: () => number) {
  const secret = randomBytes(32);
  const answers = new Map<string, Kept>();
  let generation = 0;

  return {
    /** Returns the digest that stands for a text. */
    digest: (text: string): string => createHmac("sha256", secret).update(text).digest("base64url"),
    get(key: string): KnownAnswer | null {
      const kept = answers.get(key);
      if (kept && kept.until > clock()) return kept;
      answers.delete(key);
      return null;
    },
    /** Returns a value that changes when answers are dropped. */
    generation: () => generation,
    /** @param since the generation when the question was asked: what was dropped meanwhile is not believed */
    put(key: string, name: string, answer: KnownAnswer, since: number): void {
      if (since !== generation) return;
      answers.delete(key);
      answers.set(key, { ...answer, name, until: clock() + (answer.kind === "yes" ? YES_MS : NO_MS) });
      dropOldest(answers, MAX_ANSWERS);
    },
    /** Drops what is known of a repository, by id and by the name that it has or had; null: all is dropped. */
    drop(repositoryId: number | null, name: string | null): void {
      generation += 1;
      if (repositoryId === null) answers.clear();
      for (const [key, kept] of answers)
        if (kept.repositoryId === repositoryId || kept.name === name) answers.delete(key);
    },
  };
}

export type Answers = ReturnType<typeof createAnswers>;
