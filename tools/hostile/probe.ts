import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Asks /healthz again and again, in a process of its own, because the process of the attackers is busy itself:
 * node .build/tools/hostile/probe.js <url>. A server that only answers is asked at the same time: what this one
 * takes is the machine's fault.
 */

const EVERY_MS = 200;
const GIVES_UP_MS = 60_000;

/** One question, as it is reported to the parent process. */
export interface Sample {
  /** 0: no answer came. */
  status: number;
  tookMs: number;
  /** What the other server took, in milliseconds. */
  controlMs: number;
}

async function ask(url: string): Promise<{ status: number; tookMs: number }> {
  const startedAt = performance.now();
  const status = await new Promise<number>((resolve) => {
    const request = get(url, { agent: false, timeout: GIVES_UP_MS }, (answer) => {
      answer.resume().once("close", () => resolve(answer.statusCode ?? 0));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(0));
  });
  return { status, tookMs: performance.now() - startedAt };
}

const [, , url = ""] = process.argv;
const control = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
await once(control, "listening");
const controlUrl = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;

// A question that takes long does not keep the next one from being asked.
const timer = setInterval(async () => {
  const [{ status, tookMs }, { tookMs: controlMs }] = await Promise.all([
    ask(`${url}/healthz`),
    ask(controlUrl),
  ]);
  if (process.connected) process.send?.({ status, tookMs, controlMs } satisfies Sample);
}, EVERY_MS);

process.once("disconnect", () => {
  clearInterval(timer);
  process.exit();
});
