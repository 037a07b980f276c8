import PQueue from "p-queue";
import { keyOf, subjectOfKey } from "../base/model.js";
import type { Subscribe } from "../base/signal.js";
import { createSpread } from "../base/spread.js";
import type { Reach } from "../git/mirror/reach.js";
import type { Place } from "../http/contains.js";
import type { Settled } from "../worker.js";

interface Ports {
  reach: Pick<Reach, "commits" | "fromRefs" | "fromCommits">;
  hasMirror(id: number): boolean;
  /** Lists the commits that the repository's checkouts publish. */
  published(id: number): string[];
  /** Requests a refresh that compares every ref. */
  refresh(id: number): void;
  isRunning(id: number): boolean;
  /** Whether a publish of the repository's trees runs. */
  isPublishing(id: number): boolean;
  /** Reports that refs of a mirror have changed. */
  onMoved: Subscribe<[id: number]>;
  /** Reports that a tree was published, or a commit was refused. */
  onPublished: Subscribe<[id: number]>;
  /** Reports that a run has ended. */
  onSettled: Subscribe<[Settled]>;
  stopping(): boolean;
}

interface Answer {
  isThere: boolean;
}

/** One object that clients wait for; each waiter gets an answer. */
interface Question {
  sha: string;
  place: Place;
  /** The round of the last search for the object. */
  checkedAt: number;
  /** The waiters; the value says whether a waiter keeps waiting after a negative answer. */
  waiters: Map<(answer: Answer) => void, { patient: boolean }>;
}

interface Group {
  id: number;
  questions: Map<string, Question>;
  /** The number of refreshes, since the first waiter, that may have fetched something. */
  rounds: number;
  checking: boolean;
  /** Whether a requested refresh has not ended yet. */
  asked: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** The limit of git processes at a time, over all repositories. */
const AT_A_TIME = 4;
/**
 * While a client waits, a refresh is requested again after this time, plus a random delay of up to the same
 * length.
 */
const ASK_AGAIN_MS = 5_000;

/**
 * Waits for commits. However many clients wait, one refresh of a repository is requested at a time, and each
 * object is searched for once after each refresh.
 */
export function createContains(ports: Ports) {
  const { reach } = ports;
  const groups = new Map<string, Group>();
  const checks = new PQueue({ concurrency: AT_A_TIME });
  const spread = createSpread();
  ports.onSettled(({ key }) => {
    const group = groups.get(key);
    if (group) ended(group);
    const subject = subjectOfKey(key);
    if (subject?.kind === "publish") checkAgain(subject.id);
  });
  ports.onMoved(checkAgain);
  ports.onPublished(checkAgain);

  function checkAgain(id: number): void {
    const group = groups.get(keyFor(id));
    if (!group) return;
    group.rounds += 1;
    void check(group);
  }

  /** @returns whether the object's commit is there, now or within `ms` milliseconds */
  function wait(id: number, sha: string, place: Place, ms: number, signal: AbortSignal): Promise<boolean> {
    const group = groups.get(keyFor(id)) ?? begin(id);
    const key = `${place} ${sha}`;
    const question = group.questions.get(key) ?? { sha, place, checkedAt: -1, waiters: new Map() };
    group.questions.set(key, question);
    return new Promise((resolve) => {
      const end = ({ isThere }: Answer) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        question.waiters.delete(end);
        if (question.waiters.size === 0) group.questions.delete(key);
        if (group.questions.size === 0) forget(group);
        spread(() => resolve(isThere));
      };
      const giveUp = () => end({ isThere: false });
      const timer = ms > 0 ? setTimeout(giveUp, ms) : undefined;
      question.waiters.set(end, { patient: ms > 0 });
      signal.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
      else void check(group);
    });
  }

  const isOpen = (group: Group) => groups.get(keyFor(group.id)) === group;

  function begin(id: number): Group {
    const group: Group = {
      id,
      questions: new Map(),
      rounds: 0,
      checking: false,
      asked: false,
      timer: undefined,
    };
    groups.set(keyFor(id), group);
    return group;
  }

  function forget(group: Group): void {
    clearTimeout(group.timer);
    if (isOpen(group)) groups.delete(keyFor(group.id));
  }

  /**
   * Searches for objects that were not searched for since the last refresh, and then requests another
   * refresh.
   */
  async function check(group: Group): Promise<void> {
    if (group.checking) return;
    group.checking = true;
    for (;;) {
      const open = [...group.questions.values()].filter(({ checkedAt }) => checkedAt < group.rounds);
      if (open.length === 0) break;
      for (const question of open) question.checkedAt = group.rounds;
      // The next refresh repairs a mirror that cannot be read.
      const found = await checks.add(() => findCommits(group.id, open)).catch(() => new Set<Question>());
      for (const question of open) answer(question, { isThere: found.has(question) });
    }
    group.checking = false;
    for (const question of group.questions.values()) answer(question, { isThere: false });
    ask(group);
  }

  function answer({ waiters }: Question, answered: Answer): void {
    for (const [end, { patient }] of [...waiters]) if (answered.isThere || !patient) end(answered);
  }

  async function findCommits(id: number, questions: Question[]): Promise<Set<Question>> {
    const found = new Set<Question>();
    if (ports.stopping() || !ports.hasMirror(id)) return found;
    const commits = await reach.commits(id, [...new Set(questions.map(({ sha }) => sha))]);
    for (const question of questions) {
      const commit = commits.get(question.sha);
      if (commit !== undefined && (await isReached(id, commit, question.place))) found.add(question);
    }
    return found;
  }

  const isReached = (id: number, commit: string, place: Place) =>
    place === "mirror" ? reach.fromRefs(id, commit) : reach.fromCommits(id, commit, ports.published(id));

  /** Requests one refresh for all waiters; a running refresh may already fetch what they wait for. */
  function ask(group: Group): void {
    if (!isOpen(group) || group.asked || group.timer || ports.stopping()) return;
    if (ports.isRunning(group.id) || waitsForPublish(group)) return;
    try {
      ports.refresh(group.id);
      group.asked = true;
    } catch {
      askLater(group); // the store is not writable, which /readyz reports
    }
  }

  /** A refresh would bring nothing that these waiters wait for, until the trees of the last one are published. */
  const waitsForPublish = ({ id, questions }: Group): boolean =>
    ports.isPublishing(id) && [...questions.values()].every(({ place }) => place === "checkout");

  function askLater(group: Group): void {
    if (!isOpen(group) || group.timer) return;
    group.timer = setTimeout(
      () => {
        group.timer = undefined;
        ask(group);
      },
      ASK_AGAIN_MS * (1 + Math.random()),
    );
  }

  function ended(group: Group): void {
    const wasAsked = group.asked;
    group.asked = false;
    group.rounds += 1;
    if (wasAsked) askLater(group);
    void check(group);
  }

  return { wait };
}

const keyFor = (id: number) => keyOf({ kind: "repository", id });
