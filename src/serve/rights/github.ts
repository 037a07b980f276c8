import PQueue from "p-queue";
import type { RepositoryName } from "../../base/model.js";
import { fullName } from "../../base/names.js";
import type { ReadAnswer } from "../../git/transport/readers.js";
import { type Answers, createAnswers, type KnownAnswer } from "./answers.js";
import type { Confirmations } from "./confirm.js";
import { holdsName } from "./confirmed.js";
import { type Finding, NO, type RightsPorts, UNAUTHORIZED } from "./ports.js";
import { createRefusals, type Refusals } from "./refusals.js";

/** So many questions are asked at a time; so many more may wait. */
const AT_A_TIME = 50;
const MAX_WAITING = 2_000;
/** GitHub's replicas may not know a token yet that was made a moment ago. */
const REPLICAS_MS = 1_000;
/** In digits of the digest. */
const READER_DIGITS = 8;
const ANYONE = "anyone";

/** One question: a credential, a name and where it comes from. */
interface Question {
  asked: RepositoryName;
  /** null: without credentials. */
  authorization: string | null;
  address: string;
}

interface State {
  ports: RightsPorts;
  confirmations: Confirmations;
  answers: Answers;
  refusals: Refusals;
  queue: PQueue;
}

/** Asks GitHub itself whether a reader may read a name, with the reader's own credentials. */
export function createGitHubWay(ports: RightsPorts, confirmations: Confirmations) {
  const answers = createAnswers(ports.clock);
  const queue = new PQueue({ concurrency: AT_A_TIME });
  const state: State = { ports, confirmations, answers, refusals: createRefusals(ports.pause), queue };
  /** Questions that are being asked: one for each credential and name. */
  const asking = new Map<string, Promise<Finding>>();

  return {
    async judge(question: Question): Promise<Finding> {
      const token = question.authorization === null ? ANYONE : answers.digest(question.authorization);
      const reader = token === ANYONE ? ANYONE : token.slice(0, READER_DIGITS);
      const key = answers.digest(`${token} ${nameOf(question)}`);
      const known = answers.get(key);
      if (known) return findingOf(ports, known, reader);
      const running = asking.get(key);
      if (running) return running;
      const answer = ask(state, question, { token, key, reader }).finally(() => asking.delete(key));
      asking.set(key, answer);
      return answer;
    },
    drop: answers.drop,
  };
}

export type GitHubWay = ReturnType<typeof createGitHubWay>;

/** Names differ by more than case. */
const nameOf = ({ asked }: Pick<Question, "asked">): string => fullName(asked).toLowerCase();

function findingOf(ports: Pick<RightsPorts, "get">, known: KnownAnswer, reader: string): Finding {
  if (known.kind !== "yes") return known.kind === "no" ? NO : UNAUTHORIZED;
  // The repository may have been removed since.
  const repository = known.repositoryId === null ? null : ports.get(known.repositoryId);
  return { kind: "yes", repositoryId: repository?.id ?? null, reader };
}

async function ask(
  state: State,
  question: Question,
  { token, key, reader }: { token: string; key: string; reader: string },
): Promise<Finding> {
  const { ports, answers, refusals, queue } = state;
  const source = token === ANYONE ? `${ANYONE} ${question.address}` : question.address;
  // Whoever sends no credentials is counted by the address alone.
  const counted = token === ANYONE ? source : token;
  const seconds = await refusals.admit(counted, source);
  if (seconds > 0) return { kind: "unavailable", retryAfter: seconds };
  if (queue.size >= MAX_WAITING) return { kind: "unavailable", retryAfter: 5 };
  const since = answers.generation();
  const { answer, askedAt } = await askGitHub(state, question, refusals.isTrusted(token));
  if (answer.kind === "unavailable") {
    const { retryAfterMs } = answer;
    return {
      kind: "unavailable",
      retryAfter: retryAfterMs === null ? null : Math.ceil(retryAfterMs / 1_000),
    };
  }
  if (answer.kind !== "yes") {
    await refusals.add(counted, source);
    if (answer.kind === "moved") doubtName(ports, question.asked);
    const kind = answer.kind === "unauthorized" ? "unauthorized" : "no";
    answers.put(key, nameOf(question), { kind, repositoryId: null }, since);
    return kind === "no" ? NO : UNAUTHORIZED;
  }
  if (token !== ANYONE) refusals.trust(token);
  const repositoryId = await mirrorOf(state, question.asked, askedAt);
  if (typeof repositoryId === "object" && repositoryId !== null) return repositoryId;
  answers.put(key, nameOf(question), { kind: "yes", repositoryId }, since);
  return { kind: "yes", repositoryId, reader };
}

/** @returns GitHub's answer, and when it was asked for, by the monotonic clock */
async function askGitHub(
  { ports, queue }: State,
  { asked, authorization }: Question,
  isTrusted: boolean,
): Promise<{ answer: ReadAnswer; askedAt: number }> {
  const once = () =>
    queue.add(async () => {
      const askedAt = ports.clock();
      return { answer: await ports.mayRead(asked, authorization), askedAt };
    });
  const first = await once();
  if (first.answer.kind !== "unauthorized" || authorization === null || isTrusted) return first;
  await ports.pause(REPLICAS_MS);
  return once();
}

/**
 * Returns the managed repository that has the name. GitHub's yes is about the name; the App's token, asked afterwards,
 * says whose the name is.
 */
async function mirrorOf(
  { ports, confirmations }: State,
  asked: RepositoryName,
  after: number,
): Promise<number | null | Extract<Finding, { kind: "unavailable" }>> {
  const repository = ports.find(asked);
  if (repository === null) return null;
  const holds = await holdsName({ ports, confirmations }, { repository, asked, after });
  if (typeof holds === "object") return holds;
  return holds ? repository.id : null;
}

function doubtName(ports: Pick<RightsPorts, "find" | "doubt">, asked: RepositoryName): void {
  const repository = ports.find(asked);
  if (repository) ports.doubt(repository);
}
