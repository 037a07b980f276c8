import PQueue from "p-queue";
import { MAX_READS_PER_SECOND } from "../../base/github-facts.js";
import { fullName } from "../../base/names.js";
import type { Target } from "./upstream.js";

export interface ReadLimits {
  /** Resolves when the repository may be read once more. @throws when `signal` aborts */
  take(target: Target, signal: AbortSignal): Promise<void>;
}

/** Each repository has a window of MAX_READS_PER_SECOND, which is deleted when idle. */
export function createReadLimits(): ReadLimits {
  const queues = new Map<string, PQueue>();
  return {
    async take(target, signal) {
      const key = fullName(target);
      let queue = queues.get(key);
      if (!queue) {
        queue = new PQueue({ intervalCap: MAX_READS_PER_SECOND, interval: 1000 });
        queues.set(key, queue);
        if (queues.size > 1000) for (const [name, other] of queues) if (isIdle(other)) queues.delete(name);
      }
      await queue.add(() => {}, { signal });
    },
  };
}

const isIdle = (queue: PQueue) => queue.size === 0 && queue.pending === 0;
