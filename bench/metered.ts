import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { METER_FILE, METERED } from "./meter.js";

const LOOK_MS = 2;
const PATIENCE_MS = 5_000;

/** Measures the processor time that single requests cost another process, user and system, with all its threads. */
export function createMeter(dir: string, name: string) {
  const file = join(dir, `${name}.meter`);
  writeFileSync(file, "");
  const read = () => readFileSync(file, "utf8").trimEnd().split("\n").filter(Boolean).map(Number);
  return {
    /** What the process has to be started with. */
    env: { NODE_OPTIONS: `--import=${new URL("./meter.js", import.meta.url)}`, [METER_FILE]: file },
    /** Asks one request at a time. @returns the answer's text and its cost in milliseconds */
    async ask(url: string, headers: Record<string, string>) {
      const before = read().length;
      const answer = await fetch(url, { headers: { ...headers, [METERED]: "1" }, redirect: "manual" });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
      // The process notes the cost after it has sent the answer.
      const deadline = performance.now() + PATIENCE_MS;
      for (let all = read(); ; all = read()) {
        if (all.length > before) return { text, ms: all.at(-1)! };
        if (performance.now() > deadline) throw new Error(`the cost of ${url} was not noted`);
        await sleep(LOOK_MS);
      }
    },
  };
}
