import { readFileSync } from "node:fs";
import { get } from "node:http";

/**
 * Asks /healthz again and again, in a process of its own, because the process of the attackers is busy itself:
 * node .build/tools/hostile/probe.js <url> <pid>
 */

const EVERY_MS = 200;
const GIVES_UP_MS = 60_000;

/** One question, as it is reported to the parent process. */
export interface Sample {
  /** 0: no answer came. */
  status: number;
  tookMs: number;
  /** How long the server's main thread was ready to run meanwhile, and the machine had no processor for it. */
  starvedMs: number;
}

const [, , url = "", pid = ""] = process.argv;

const ask = (): Promise<number> =>
  new Promise((resolve) => {
    const request = get(`${url}/healthz`, { agent: false, timeout: GIVES_UP_MS }, (answer) => {
      answer.resume().once("close", () => resolve(answer.statusCode ?? 0));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(0));
  });

/**
 * Returns the second number of schedstat, in milliseconds; 0 where the kernel does not count it:
 * https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
 */
function starvedMs(): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

// A question that takes long does not keep the next one from being asked.
const timer = setInterval(async () => {
  const [startedAt, before] = [performance.now(), starvedMs()];
  const status = await ask();
  const tookMs = performance.now() - startedAt;
  if (process.connected) process.send?.({ status, tookMs, starvedMs: starvedMs() - before } satisfies Sample);
}, EVERY_MS);

process.once("disconnect", () => {
  clearInterval(timer);
  process.exit();
});
