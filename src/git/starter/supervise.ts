import { tmpdir } from "node:os";
import { backoffMs } from "../../base/backoff.js";
import type { Log } from "../../base/log.js";
import { asMessage } from "../../base/message.js";
import { type Life, openLife, type StartCall } from "./process.js";
import type { StartedGit } from "./started-git.js";

/** The small process that starts git for Lockstep. It is started again when it dies. */
export interface Starter {
  /** @returns the git, which emits `spawn` or `error` later; null: the starter is not up, start git yourself */
  start(call: StartCall): StartedGit | null;
  /** Resolves once the starter is up, or `close` was called. */
  ready(): Promise<void>;
  /** The starter's pid; null: it is not up. */
  pid(): number | null;
  /** Ends what it has started, and the starter. */
  close(): Promise<void>;
}

/** A starter that lived so long had started well. In milliseconds. */
const LIVED_MS = 60_000;

/** @param dir where the socket is made, in a directory of its own */
export function createStarter(log: Pick<Log, "warn">, dir = tmpdir()): Starter {
  let life: Life | null = null;
  let isClosing = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let tellReady = () => {};
  const whenReady = new Promise<void>((resolve) => {
    tellReady = resolve;
  });

  async function begin(): Promise<void> {
    const began = performance.now();
    let reason: string;
    try {
      life = await openLife(dir, tellReady);
      if (isClosing) void life.end();
      reason = await life.over;
    } catch (error) {
      reason = asMessage(String(error), 300);
    }
    life = null;
    if (isClosing) return;
    failures = performance.now() - began > LIVED_MS ? 1 : failures + 1;
    const waitMs = backoffMs(failures);
    log.warn(
      { event: "git_starter_ended", reason, waitMs },
      "the process that starts git has ended; Lockstep starts git itself until it is back",
    );
    timer = setTimeout(() => {
      living = begin();
    }, waitMs);
    timer.unref();
  }

  let living = begin();
  return {
    start: (call) => life?.start(call) ?? null,
    ready: () => whenReady,
    pid: () => (life?.isUp() ? life.pid : null),
    async close() {
      isClosing = true;
      clearTimeout(timer);
      tellReady();
      await life?.end();
      await living;
    },
  };
}
