import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished } from "vitest";
import type { LogDetails } from "../../src/base/log.js";
import { compose, type Lockstep } from "../../src/compose/lockstep.js";
import { loadConfig } from "../../src/config/load.js";
import { mirrorPath } from "../../tools/mirror.js";
import { refsInFiles } from "../../tools/refs-in-files.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { plainGit } from "./git.js";
import { tempDir } from "./temp.js";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  msg: string;
  event: string;
  [field: string]: unknown;
}

/** Lockstep in this process, on a real port, with a stand-in GitHub and real git over smart HTTP. */
export class World {
  readonly log: LogLine[] = [];
  readonly #lines = new EventEmitter();
  #running: Lockstep | null = null;
  url = "";
  /** The file that Lockstep reads the machine's boot id from; undefined: the machine's own. */
  bootIdFile: string | undefined;

  private constructor(
    readonly standin: StandIn,
    readonly dataDir: string,
    private readonly env: Record<string, string>,
  ) {
    this.#lines.setMaxListeners(0);
  }

  static async create(env: Record<string, string> = {}, dataDir = tempDir()): Promise<World> {
    const standin = await startStandIn();
    onTestFinished(() => standin.close());
    const world = new World(standin, dataDir, env);
    onTestFinished(() => world.stop());
    return world;
  }

  /** Starts Lockstep, with additional settings, and waits until it has every repository. */
  async start(...given: (Repo | Record<string, string>)[]): Promise<this> {
    const repos = given.filter((it): it is Repo => "dir" in it);
    const env = Object.assign({}, ...given.filter((it) => !("dir" in it))) as Record<string, string>;
    const config = loadConfig({
      ...this.standin.env(),
      DATA_DIR: this.dataDir,
      INTERVAL: "off",
      API_TOKEN: "token-of-the-tests-0123456789",
      ...this.env,
      ...env,
    });
    const { bootIdFile } = this;
    const running = await compose(config, this.#logger(), bootIdFile === undefined ? {} : { bootIdFile });
    this.#running = running;
    const server = createServer(async (req, res) => {
      for (const handler of running.handlers) if (await handler(req, res)) return;
      res.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#stopServer = () => {
      server.closeAllConnections();
      server.close();
    };
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    running.start();
    for (const repo of repos) await this.inStep(repo);
    return this;
  }

  #stopServer = () => {};

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    this.#stopServer();
    await running?.close();
  }

  sweep(): void {
    this.#running?.sweep();
  }

  #logger() {
    const at = (level: LogLine["level"]) => (details: LogDetails, msg: string) => {
      this.log.push({ level, msg, ...details });
      this.#lines.emit("line");
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  mirror(repo: Repo): string {
    return mirrorPath(this.dataDir, repo.owner, repo.name);
  }

  /** Returns the mirror's refs inside REFSPECS. */
  tips(repo: Repo): Record<string, string> {
    return this.#refs(repo, (ref) => !ref.startsWith("refs/lockstep/"));
  }

  /** Returns Lockstep's own refs in the mirror. */
  kept(repo: Repo): Record<string, string> {
    return this.#refs(repo, (ref) => ref.startsWith("refs/lockstep/"));
  }

  #refs(repo: Repo, fits: (ref: string) => boolean): Record<string, string> {
    const lines = plainGit(this.mirror(repo), "for-each-ref", "--format=%(refname) %(objectname)");
    const pairs = lines
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ") as [string, string]);
    return Object.fromEntries(pairs.filter(([ref]) => fits(ref)));
  }

  async deliver(push: Push, id?: string): Promise<number> {
    const options = { to: `${this.url}/api/github/webhooks`, ...(id ? { id } : {}) };
    return (await this.standin.deliver(push, options)).status;
  }

  async pushed(...pushes: Push[]): Promise<void> {
    for (const push of pushes) expect(await this.deliver(push)).toBe(202);
  }

  /** Returns the first line that matches, already written or yet to come. */
  async line(fits: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    for (;;) {
      const found = this.log.slice(from).find(fits);
      if (found) return found;
      await once(this.#lines, "line");
    }
  }

  async nextLine(): Promise<void> {
    await once(this.#lines, "line");
  }

  /** Waits until the mirror equals its upstream, ref for ref. */
  async inStep(repo: Repo): Promise<void> {
    for (;;) {
      const line = once(this.#lines, "line");
      if (this.#seemsInStep(repo) && (await this.#isInStep(repo))) return;
      await line;
    }
  }

  /**
   * Compares by files first: most checks come too early, and a process for each would slow the refresh down.
   */
  #seemsInStep(repo: Repo): boolean {
    const has = refsInFiles(this.mirror(repo));
    const wanted = refsInFiles(repo.dir);
    if (!has || !wanted) return false;
    const tips = [...has].filter(([ref]) => !ref.startsWith("refs/lockstep/"));
    return tips.length === wanted.size && tips.every(([ref, tip]) => wanted.get(ref) === tip);
  }

  async #isInStep(repo: Repo): Promise<boolean> {
    const wanted = Object.fromEntries(await this.standin.tips(repo));
    try {
      expect(this.tips(repo)).toEqual(wanted);
      return true;
    } catch {
      return false;
    }
  }

  refreshes(): LogLine[] {
    return this.log.filter(({ event }) => event === "refreshed");
  }

  /** A reading call is made once more where its idle connection was closed at that moment: RFC 9110, 9.2.2. */
  async api(path: string, init: RequestInit = {}): Promise<Response> {
    const call = () =>
      fetch(this.url + path, {
        ...init,
        headers: { authorization: "Bearer token-of-the-tests-0123456789" },
      });
    return call().catch((error: Error & { cause?: { code?: string } }) => {
      // A test that inspects mirrors blocks this process, server and client, for longer than connections are kept.
      if (init.method !== undefined || error.cause?.code !== "ECONNRESET") throw error;
      return call();
    });
  }
}
