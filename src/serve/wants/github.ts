import { monotonicMs } from "../../base/clock.js";
import { dropOldest } from "../../base/drop-oldest.js";
import { Refusal } from "../refusal.js";
import { createBudget } from "./budget.js";
import type { AskGitHub } from "./check.js";

/** Asks GitHub whether it gives an object by its name. @throws RefreshError */
export type GivesObject = (repositoryId: number, id: string) => Promise<boolean>;

const YES_MS = 5 * 60_000;
const NO_MS = 15_000;
const MAX_KEPT = 20_000;
/** New questions that one reader may cause in a minute: a matrix of jobs asks for the same objects. */
const PER_MINUTE = 120;
const RETRY_S = 30;

/** Keeps GitHub's answers, and asks for an object once, however many readers want it. */
export function createGitHubAnswers(
  gives: GivesObject,
  { clock = monotonicMs, perMinute = PER_MINUTE } = {},
): AskGitHub {
  const budget = createBudget(perMinute, clock);
  const kept = new Map<string, { isYes: boolean; until: number }>();
  const asking = new Map<string, Promise<boolean>>();

  const known = (key: string): boolean | null => {
    const found = kept.get(key);
    return found && found.until > clock() ? found.isYes : null;
  };

  function keep(key: string, isYes: boolean): boolean {
    kept.delete(key);
    kept.set(key, { isYes, until: clock() + (isYes ? YES_MS : NO_MS) });
    dropOldest(kept, MAX_KEPT);
    return isYes;
  }

  function ask(repositoryId: number, id: string): Promise<boolean> {
    const key = `${repositoryId} ${id}`;
    const found = known(key);
    if (found !== null) return Promise.resolve(found);
    const asked =
      asking.get(key) ??
      gives(repositoryId, id)
        .then((isYes) => keep(key, isYes))
        .finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  }

  return {
    async ask(repositoryId, ids, reader) {
      const isNew = (key: string) => known(key) === null && !asking.has(key);
      const count = ids.filter((id) => isNew(`${repositoryId} ${id}`)).length;
      if (!budget.take(reader, count))
        throw new Refusal(503, "too many unknown objects in a minute", RETRY_S);
      const answers = await Promise.all(ids.map(async (id) => ((await ask(repositoryId, id)) ? [id] : [])));
      return new Set(answers.flat());
    },
    pending(repositoryId, ids) {
      const questions = ids.flatMap((id) => asking.get(`${repositoryId} ${id}`) ?? []);
      return questions.length === 0 ? null : Promise.allSettled(questions);
    },
    isProven: (repositoryId, id) => known(`${repositoryId} ${id}`) === true,
  };
}
