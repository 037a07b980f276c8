import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type LogLine, LogLines } from "./log-lines.js";
import { packageRoot } from "./package-root.js";
import type { StandIn } from "./standin/index.js";

export interface LockstepOptions {
  standin: Pick<StandIn, "env">;
  dataDir: string;
  /** Further or replaced settings; undefined removes a setting. */
  env?: Record<string, string | undefined>;
  port?: number;
  /** The node executable that runs Lockstep. */
  node?: string;
  /** The directory of the package that runs; default this one. */
  root?: string;
  readyTimeoutMs?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What has not begun, or ended, by then hangs, however busy the machine is. */
const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 120_000;

/** Runs Lockstep in a separate process, started the way an operator does. */
export class Lockstep {
  readonly url: string;
  readonly webhookUrl: string;
  readonly exited: Promise<Exit>;
  /** How it ended; null: it runs. */
  ended: Exit | null = null;
  readonly #lines = new LogLines();
  readonly #closed: Promise<unknown>;

  constructor(
    private readonly child: ChildProcess,
    port: number,
    private readonly apiToken: string | undefined,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.webhookUrl = `${this.url}/api/github/webhooks`;
    if (child.stdout) this.#lines.read(child.stdout);
    if (child.stderr) this.#lines.read(child.stderr);
    this.#closed = new Promise((resolve) => child.once("close", resolve));
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      // The event is not "close": a git that outlives its parent may hold the pipes.
      child.once("exit", (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get log(): LogLine[] {
    return this.#lines.all;
  }

  waitForLog(predicate: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine> {
    return this.#lines.waitFor(predicate, timeoutMs);
  }

  tail(count?: number): string {
    return this.#lines.tail(count);
  }

  api(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.apiToken && !headers.has("authorization"))
      headers.set("authorization", `Bearer ${this.apiToken}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    // The last lines of the log may come after the exit.
    await Promise.race([this.#closed, sleep(500)]);
    return exit;
  }

  kill9(): Promise<Exit> {
    return this.stop("SIGKILL");
  }

  /** Waits until Lockstep accepts deliveries. */
  async ready(timeoutMs: number): Promise<void> {
    const gaveUp = new AbortController();
    const died = this.exited.then(({ code, signal }) => {
      throw new Error(`Lockstep ended (${signal ?? code}) before it was ready:\n${this.tail()}`);
    });
    try {
      await Promise.race([died, this.#answersReady(timeoutMs, gaveUp.signal)]);
    } finally {
      gaveUp.abort();
    }
  }

  async #answersReady(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    await this.waitForLog((line) => /\bListening on /.test(line.msg ?? ""), timeoutMs);
    while (!signal.aborted) {
      const status = await fetch(`${this.url}/readyz`, { signal }).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) return;
      if (performance.now() > deadline)
        throw new Error(`Lockstep is not ready (/readyz answers ${status}):\n${this.tail()}`);
      await sleep(50);
    }
  }
}

export async function startLockstep(options: LockstepOptions): Promise<Lockstep> {
  const root = options.root ?? packageRoot();
  const port = options.port ?? (await freePort());
  // Probot reads a .env of the directory it is started in.
  const cwd = await mkdtemp(join(tmpdir(), "lockstep-cwd-"));
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    HOME: cwd,
    ...options.standin.env(),
    DATA_DIR: options.dataDir,
    HOST: "127.0.0.1",
    PORT: String(port),
    LOG_LEVEL: "info",
    LOG_FORMAT: "json",
    NODE_ENV: "production",
    ...options.env,
  };
  const args = [probotBin(), "run", join(root, "lib", "index.js")];
  const child = spawn(options.node ?? process.execPath, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lockstep = new Lockstep(child, port, env.API_TOKEN);
  const leave = (): void => rmSync(cwd, { recursive: true, force: true });
  const endWithUs = (): void => {
    child.kill("SIGKILL");
    leave();
  };
  process.once("exit", endWithUs);
  const ended = (): void => {
    process.off("exit", endWithUs);
    leave();
  };
  lockstep.exited.then(ended, ended);
  try {
    await lockstep.ready(options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  } catch (error) {
    await lockstep.kill9().catch(() => {});
    throw error;
  }
  return lockstep;
}

/** Each process has a hundred ports of its own. Browsers refuse 10080. */
const PORTS = { first: 11_000, each: 100, processes: 200 };
let claimed: Promise<number> | undefined;
let chosen = 0;

/**
 * Finds a port that is free and stays free until a program asks for it by its number. The port is below those
 * that the system gives to outgoing connections and to `listen(0)` (ip_local_port_range, from 32768 or 49152
 * up).
 */
export async function freePort(): Promise<number> {
  claimed ??= claimPorts();
  const first = await claimed;
  for (let tries = 1; tries < PORTS.each; tries += 1) {
    const port = first + 1 + (chosen++ % (PORTS.each - 1));
    const server = await listenOn(port);
    if (!server) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`No port from ${first + 1} to ${first + PORTS.each - 1} is free`);
}

/**
 * Takes ports that no other process of ours takes, by listening on the first of them for as long as this process lives:
 * a program needs seconds until it listens on the port that it was given, and until then the port looks free to others.
 */
async function claimPorts(): Promise<number> {
  for (let n = 0; n < PORTS.processes; n += 1) {
    const first = PORTS.first + ((process.pid + n) % PORTS.processes) * PORTS.each;
    const server = await listenOn(first);
    if (!server) continue;
    server.unref();
    return first;
  }
  throw new Error("other processes have taken all ports");
}

/** @returns null: the port is taken */
function listenOn(port: number): Promise<Server | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** Finds Probot as `import` does: below this package, or beside it. */
function probotBin(): string {
  const dir = join(dirname(fileURLToPath(import.meta.resolve("probot"))), "..");
  const { bin } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as { bin: { probot: string } };
  return join(dir, bin.probot);
}
