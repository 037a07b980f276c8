import type { Readable } from "node:stream";
import { type Produce, type SharedAnswer, shareAnswer } from "./answer.js";
import type { SpillSpace } from "./spill.js";
import { createStore, type HeadMemory } from "./store.js";

/** Readers who ask for the same at about the same time get one answer, which is produced once. */
export interface Herd {
  /**
   * @param key equal for equal answers
   * @param isAwaited whether others will probably ask for the same
   * @returns the answer's stream, for one reader
   */
  answer(key: string, produce: Produce, isAwaited?: () => boolean): { stream: Readable; isShared: boolean };
  /** Frees what is kept for further readers. */
  close(): void;
}

export interface HerdOptions {
  spills: SpillSpace;
  /** What the heads of all answers may take in memory, in bytes. */
  maxMemory?: number;
  /** How many answers are kept for further readers. */
  maxAnswers?: number;
  /** How long a finished answer is kept for further readers, in milliseconds. */
  keepMs?: number;
}

const MAX_MEMORY = 256 * 2 ** 20;
const MAX_ANSWERS = 1_000;
const KEEP_MS = 5 * 60_000;

/** A request that is longer than this, in characters, is kept for nobody: hardly anybody sends the same. */
export const MAX_SHARED = 16 * 1024;

export function createHerd({
  spills,
  maxMemory = MAX_MEMORY,
  maxAnswers = MAX_ANSWERS,
  keepMs = KEEP_MS,
}: HerdOptions): Herd {
  const answers = new Map<string, SharedAnswer>();
  const timers = new Map<SharedAnswer, NodeJS.Timeout>();
  let used = 0;

  const memory: HeadMemory = {
    take(bytes) {
      for (const answer of answers.values()) {
        if (used + bytes <= maxMemory) break;
        if (answer.isIdle) answer.free();
      }
      if (used + bytes > maxMemory) return false;
      used += bytes;
      return true;
    },
    giveBack(bytes) {
      used -= bytes;
    },
  };

  function open(key: string, produce: Produce, isAwaited: () => boolean): SharedAnswer {
    const onEnd = () => {
      clearTimeout(timers.get(answer));
      timers.delete(answer);
      if (answers.get(key) === answer) answers.delete(key);
    };
    const answer = shareAnswer({ produce, isAwaited, onEnd }, createStore(memory, spills));
    for (const oldest of answers.values()) {
      if (answers.size < maxAnswers) break;
      if (oldest.isIdle) oldest.free();
    }
    answers.set(key, answer);
    timers.set(answer, setTimeout(expire, keepMs, key, answer).unref());
    return answer;
  }

  /** Readers who follow an old answer read it to its end, and nobody joins them. */
  function expire(key: string, answer: SharedAnswer): void {
    if (answers.get(key) === answer) answers.delete(key);
    if (answer.isIdle) answer.free();
    else timers.set(answer, setTimeout(expire, keepMs, key, answer).unref());
  }

  return {
    answer(key, produce, isAwaited = () => false) {
      const found = answers.get(key);
      if (found?.isOpen) return { stream: found.follow(), isShared: true };
      return { stream: open(key, produce, isAwaited).follow(), isShared: false };
    },
    close() {
      for (const answer of timers.keys()) answer.free();
    },
  };
}
