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
  const read = () =>
    readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ").map(Number) as [before: number, after: number]);

  async function askOnce(url: string, headers: Record<string, string>): Promise<string> {
    const answer = await fetch(url, { headers: { ...headers, [METERED]: "1" }, redirect: "manual" });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
    return text;
  }

  /** The process notes the cost of a request after it has sent the answer. */
  async function readFrom(first: number, count: number) {
    const deadline = performance.now() + PATIENCE_MS;
    for (let all = read(); ; all = read()) {
      if (all.length >= first + count) return all.slice(first);
      if (performance.now() > deadline) throw new Error(`the cost of ${count} requests was not noted`);
      await sleep(LOOK_MS);
    }
  }

  return {
    /** What the process has to be started with. */
    env: { NODE_OPTIONS: `--import=${new URL("./meter.js", import.meta.url)}`, [METER_FILE]: file },
    /** Asks several requests at once. @returns an answer's text, and what all cost together, in milliseconds */
    async ask(url: string, headers: Record<string, string>, { atOnce = 1 } = {}) {
      const first = read().length;
      const [text] = await Promise.all(Array.from({ length: atOnce }, () => askOnce(url, headers)));
      const noted = await readFrom(first, atOnce);
      const ms = Math.max(...noted.map(([, after]) => after)) - Math.min(...noted.map(([before]) => before));
      return { text: text!, ms };
    },
  };
}
