import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../base/clock.js";

/** A page waits so long for GitHub's answer, and is drawn without the link after that. */
const PATIENCE_MS = 1_000;
/** After a failure GitHub is asked again when somebody looks this much later. */
const AGAIN_MS = 30_000;

/**
 * Keeps where the App is installed on an account, which is asked of GitHub once somebody needs it.
 * @returns reads it; null: GitHub has not said so in time
 */
export function keepInstallUrl(find: () => Promise<string | null>, clock = monotonicMs) {
  let asked: { answer: Promise<string | null>; at: number; isOver: boolean } | null = null;

  function ask() {
    const question = { answer: find().catch(() => null), at: clock(), isOver: false };
    void question.answer.then((url) => {
      question.isOver = url === null;
    });
    return question;
  }

  return async (): Promise<string | null> => {
    if (!asked || (asked.isOver && clock() - asked.at >= AGAIN_MS)) asked = ask();
    const ended = new AbortController();
    const late = sleep(PATIENCE_MS, null, { signal: ended.signal, ref: false }).catch(() => null);
    return Promise.race([asked.answer, late]).finally(() => ended.abort());
  };
}
