import { type ChildProcess, fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../package-root.js";
import type { Sample } from "./probe.js";

export const MIB = 2 ** 20;
const EVERY_MS = 200;
const PROBE = join(packageRoot(), ".build/tools/hostile/probe.js");

/** Watches health and memory of a process while it is attacked. */
export class Vitals {
  readonly samples: Sample[] = [];
  peakBytes = 0;
  readonly #probe: ChildProcess;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly pid: number,
    url: string,
  ) {
    this.#probe = fork(PROBE, [url, String(pid)], { execArgv: [] });
    this.#probe.on("message", (sample) => this.samples.push(sample as Sample));
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  get worstHealthMs(): number {
    return Math.max(0, ...this.samples.map(({ tookMs }) => tookMs));
  }

  /** The longest answer without the time for which the machine had no processor for Lockstep. */
  get worstOwnHealthMs(): number {
    return Math.max(0, ...this.samples.map(ownMs));
  }

  /** Lists what is wrong with the answers of /healthz. @param limitMs the longest that is no fault */
  faults(limitMs: number): string[] {
    const bad = this.samples.filter(({ status }) => status !== 200);
    const slow = this.samples.filter((sample) => ownMs(sample) > limitMs);
    const worst = Math.round(this.worstOwnHealthMs);
    return [
      ...(this.samples.length === 0 ? ["/healthz was never answered"] : []),
      ...(bad.length > 0 ? [`/healthz was answered ${bad[0]!.status} ${bad.length} times`] : []),
      ...(slow.length > 0
        ? [`/healthz took more than ${limitMs} ms ${slow.length} times, at most ${worst} ms`]
        : []),
    ];
  }

  end(): void {
    clearInterval(this.#timer);
    this.#probe.kill();
  }

  #look(): void {
    try {
      this.peakBytes = Math.max(this.peakBytes, residentBytes(this.pid));
    } catch {
      // The process has ended, which the run reports.
    }
  }
}

const ownMs = ({ tookMs, starvedMs }: Sample): number => Math.max(0, tookMs - starvedMs);

// proc(5): VmRSS, in kB
export const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
