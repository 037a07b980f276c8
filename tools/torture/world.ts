import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type Lockstep, startLockstep } from "../lockstep.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../standin/index.js";
import { childrenOf, pidsIn, sendSignal } from "./processes.js";
import { type FileSystem, Volume } from "./volume.js";

const API_TOKEN = "token-of-the-torture-0123456789";
/** The backstop finds what no delivery reports, and a frozen git is ended, within seconds instead of minutes. */
const ENV = {
  API_TOKEN,
  INTERVAL: "10s",
  FETCH_TIMEOUT: "8s",
  CLONE_TIMEOUT: "20s",
  SHUTDOWN_TIMEOUT: "1s",
  MIN_FREE_DISK: "0",
  CHECKOUTS: "acme/site",
  CHECKOUT_GRACE: "1s",
  LOG_LEVEL: "info",
};
/** A busy machine is slow, and a Lockstep that hangs is found just as well later. */
const START_MS = 180_000;
const ENDED_MS = 60_000;
/** A look at GitHub's limits is no part of the faults, unless one of them sets a limit. */
const LIMIT = 1_000_000;

/** https://github.com/wolfcw/libfaketime */
export const CLOCK_LIBRARY = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."]
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));

/** The system call at which the power is cut first, as the message of a failed round says: `forced:17`. */
export interface Start {
  push: string;
  call: number;
  /** 1: at each call from there on; 5: at every fifth one. */
  every: number;
}

export interface WorldOptions {
  /** Null: DATA_DIR is on an ordinary directory. */
  fileSystem: FileSystem | null;
  /** Where the power is cut first; null: at the first call of the first push. */
  cut?: Start | null;
  /** Whether one repository is enough, so that a round takes less time. */
  isSmall?: boolean;
}

/** GitHub's stand-in with up to three repositories, and Lockstep as a process of its own, which faults may end. */
export class World {
  readonly repos: Repo[] = [];
  /** The ids of the deliveries that Lockstep answered with 202. */
  readonly acknowledged = new Set<string>();
  /** The answers to deliveries, each with how often it came; 0: Lockstep could not be reached. */
  readonly answers = new Map<number, number>();
  /** The branch tips that a mirror was proven to have, by repository. */
  readonly proven = new Map<number, ReadonlySet<string>>();
  /** What happened in this round, printed when it ends badly. */
  readonly notes: string[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #lockstep: Lockstep | null = null;
  #released: Promise<void> | undefined;

  private constructor(
    readonly standin: StandIn,
    readonly volume: Volume,
    private readonly port: number,
    readonly cut: Start | null,
  ) {}

  static async create({ fileSystem, cut = null, isSmall = false }: WorldOptions): Promise<World> {
    const standin = await startStandIn();
    standin.limits.app = LIMIT;
    standin.limits.installation = LIMIT;
    const world = new World(standin, await Volume.create(fileSystem), await freePort(), cut);
    world.repos.push(await standin.createRepository("acme", "site"));
    if (isSmall) return world;
    world.repos.push(await standin.createRepository("acme", "app", { manyRefs: 60 }));
    world.repos.push(await standin.createRepository("acme", "lib"));
    return world;
  }

  get dataDir(): string {
    return this.volume.dataDir;
  }

  /** The running Lockstep. @throws Error when it does not run */
  get lockstep(): Lockstep {
    if (this.#lockstep === null) throw new Error("Lockstep does not run");
    return this.#lockstep;
  }

  get isRunning(): boolean {
    return this.#lockstep !== null;
  }

  /**
   * @param env further settings of this run alone
   * @param node the program that runs Lockstep this time; default this process's own
   */
  async start(env: Record<string, string> = {}, node = process.execPath): Promise<Lockstep> {
    const { standin, dataDir, port } = this;
    const lockstep = await startLockstep({
      standin,
      dataDir,
      port,
      node,
      env: { ...ENV, ...env },
      readyTimeoutMs: START_MS,
    });
    this.#lockstep = lockstep;
    // A Lockstep that ends by itself is a fault, which the check reports.
    return lockstep;
  }

  /** kill -9 of a Lockstep that has not said yet that it is ready. */
  killStarting(): void {
    for (const pid of childrenOf(process.pid)) if (isLockstep(pid)) process.kill(pid, "SIGKILL");
  }

  /** Lists the processes that work in DATA_DIR, beside Lockstep itself. */
  gits(): number[] {
    return pidsIn(this.dataDir, { except: this.#lockstep?.pid ?? 0 });
  }

  /** kill -9 of Lockstep and of every git at once, without waiting for their ends. */
  killAll(): void {
    for (const pid of [this.lockstep.pid, ...this.gits()]) sendSignal(pid, "SIGKILL");
  }

  /** Ends every process that works in DATA_DIR, and waits until they are gone. */
  async endAll(): Promise<void> {
    const running = (): number[] => {
      const pids = this.gits();
      for (const pid of pids) sendSignal(pid, "SIGKILL");
      return pids;
    };
    await this.until("every process has ended", () => running().length === 0, ENDED_MS);
  }

  note(what: string): void {
    this.notes.push(what);
  }

  /** Has Lockstep read the wall clock from a file. @returns what sets the clock, in seconds from the right time */
  async startWithClock(aheadS: number): Promise<(aheadS: number) => void> {
    const file = join(this.dataDir, "..", "clock");
    const set = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    set(aheadS);
    await this.start({
      LD_PRELOAD: CLOCK_LIBRARY ?? "",
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
    });
    return set;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const lockstep = this.#lockstep;
    this.#lockstep = null;
    await lockstep?.stop(signal);
  }

  /** Ends Lockstep without a chance to tidy up; a git that runs goes on. */
  kill9(): Promise<void> {
    return this.stop("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  /**
   * Sends the delivery of a push, and waits for no answer.
   * @param id the delivery's GUID, to send one twice; default a new one
   */
  deliver(push: Push, id?: string): Promise<void> {
    const to = `http://127.0.0.1:${this.port}/api/github/webhooks`;
    const options = id === undefined ? { to } : { to, id };
    const sent = this.standin.deliver(push, options).then(
      (delivered) => {
        this.#count(delivered.status);
        if (delivered.status === 202) this.acknowledged.add(delivered.id);
      },
      () => this.#count(0),
    );
    this.#underWay.add(sent);
    void sent.finally(() => this.#underWay.delete(sent));
    return sent;
  }

  /** Has GitHub's log, and nobody else, know of a push. */
  async lose(push: Push): Promise<void> {
    await this.standin.deliver(push, {});
  }

  /** Waits until every delivery has an answer. */
  async arrived(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async api<T>(path: string): Promise<T> {
    const response = await this.lockstep.api(path, { signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Waits until a condition holds. @throws Error after `timeoutMs` */
  async until(what: string, isTrue: () => Promise<boolean> | boolean, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isTrue())) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await sleep(20);
    }
  }

  /** Ends everything. Only the first call counts. */
  release(how: { keepsData: boolean }): Promise<void> {
    this.#released ??= this.#release(how);
    return this.#released;
  }

  async #release({ keepsData }: { keepsData: boolean }): Promise<void> {
    await this.kill9();
    // What still runs keeps the disk from being unmounted.
    await this.endAll().catch(() => {});
    await this.standin.close();
    if (!keepsData) await this.volume.remove();
  }

  #count(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }
}

const isLockstep = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("probot");
