import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mirrorTips } from "../demo/compare.js";
import { freePort, type Lockstep, startLockstep } from "../lockstep.js";
import { mirrorPath, waitForTip } from "../mirror.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../standin/index.js";
import { baitsFor } from "./baits.js";
import { type Json, LIVE, OWNER, type Target, TRAPS } from "./target.js";

const TOKEN = "token-of-the-hostile-run-0123456789";
/** Only a request brings anything: no clock does. A forced push is held. The limits are the usual ones. */
const ENV = {
  API_TOKEN: TOKEN,
  INTERVAL: "off",
  HISTORY: "block",
  MIN_FREE_DISK: "0",
  READERS: "token",
  // Attackers from some of these addresses name another one as their own.
  TRUSTED_PROXIES: "127.0.1.0/24",
};
const START_MS = 180_000;
const READY_MS = 120_000;
const POLL_MS = 50;
const SETTLES_MS = 6_000;
/** A look at GitHub's limits is no part of the attacks. */
const LIMIT = 10_000_000;
const require = createRequire(import.meta.url);

/** GitHub's stand-in, and Lockstep as a process of its own, with a state that only its operator may change. */
export class World {
  readonly live: Repo;
  /** Repositories whose mirrors and states stay as they are, unless somebody unverified is believed. */
  readonly traps: Repo[];
  /** The ids of the genuine deliveries. */
  readonly delivered = new Set<string>();
  #released: Promise<void> | undefined;

  private constructor(
    readonly standin: StandIn,
    readonly lockstep: Lockstep,
    private readonly dir: string,
    private readonly servePort: number,
    [live, ...traps]: Repo[],
  ) {
    this.live = live!;
    this.traps = traps;
  }

  static async create(): Promise<World> {
    const standin = await startStandIn();
    standin.limits.app = LIMIT;
    standin.limits.installation = LIMIT;
    const repos: Repo[] = [];
    for (const name of [LIVE, ...TRAPS]) repos.push(await standin.createRepository(OWNER, name));
    const dir = await mkdtemp(join(tmpdir(), "lockstep-hostile-"));
    try {
      const dataDir = join(dir, "data");
      const servePort = await freePort();
      const env = { ...ENV, SERVE_PORT: String(servePort) };
      const lockstep = await startLockstep({ standin, dataDir, env, readyTimeoutMs: START_MS });
      return new World(standin, lockstep, dir, servePort, repos);
    } catch (error) {
      await standin.close();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get dataDir(): string {
    return join(this.dir, "data");
  }

  mirrorOf({ owner, name }: Repo): string {
    return mirrorPath(this.dataDir, owner, name);
  }

  /** Brings every repository into the state that it keeps. @returns what attackers may use */
  async prepare(): Promise<Target> {
    const { standin, live } = this;
    const [quiet, paused, held] = this.traps;
    for (const repo of [live, ...this.traps]) await this.#cloned(repo);
    const rewritten = await standin.forcePush(held!, "main", { orphan: true });
    await this.deliver(rewritten);
    await this.#until("the forced push is held", async () => (await this.repository(held!)).holds.length > 0);
    await this.post(`/api/v1/repos/${paused!.owner}/${paused!.name}/pause`);
    // A pushed_at counts as settled when it is 5 s old; until then, any reading of GitHub's list has it compared.
    await sleep(SETTLES_MS);
    await this.post(`/api/v1/repos/${quiet!.owner}/${quiet!.name}/refresh?wait=2m`);
    const unreported = [await this.#unreported(quiet!), await this.#unreported(paused!), rewritten];
    const firstPush = await standin.commit(live, "main");
    await this.deliver(firstPush);
    await waitForTip(this.mirrorOf(live), firstPush.ref, firstPush.after, READY_MS);
    await this.#idle();
    return {
      port: Number(new URL(this.lockstep.url).port),
      secret: standin.webhookSecret,
      token: TOKEN,
      cookie: await this.#signIn(),
      genuine: { live: standin.payloadFor(firstPush) },
      baits: baitsFor(unreported.map((push) => standin.payloadFor(push))),
      examples: require("@octokit/webhooks-examples") as { name: string; examples: Json[] }[],
      serving: await this.#serving(firstPush),
      confidential: [TOKEN, standin.webhookSecret, firstPush.after],
    };
  }

  /** Makes a reader who may read the live repository alone. */
  async #serving({ before, after }: Push): Promise<Target["serving"]> {
    const wanted = { name: "hostile", scopes: ["git"], repositories: [`${OWNER}/${LIVE}`] };
    const answer = await this.lockstep.api("/api/v1/tokens", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(wanted),
    });
    if (!answer.ok) throw new Error(`a token was answered ${answer.status}: ${await answer.text()}`);
    const { secret } = (await answer.json()) as { secret: string };
    const traps = await Promise.all(
      this.traps.map(async (repo) => (await mirrorTips(this.mirrorOf(repo))).get("refs/heads/main")),
    );
    return {
      port: this.servePort,
      token: secret,
      tips: [before, after],
      hidden: [TOKEN, secret, this.standin.webhookSecret, ...traps.filter((tip) => tip !== undefined)],
    };
  }

  async repository({ owner, name }: Repo): Promise<RepositoryState> {
    return this.api(`/api/v1/repos/${owner}/${name}`);
  }

  async api<T>(path: string): Promise<T> {
    const response = await this.lockstep.api(path, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  async post(path: string): Promise<void> {
    const response = await this.lockstep.api(path, { method: "POST" });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  }

  /** Ends everything. Only the first call counts. */
  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<void> {
    await this.lockstep.kill9();
    await this.standin.close();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  /** @returns performance.now() just before the delivery. @throws Error unless it is accepted */
  async deliver(push: Push): Promise<number> {
    const { id, status, sentAt } = await this.standin.deliver(push, { to: this.lockstep.webhookUrl });
    this.delivered.add(id);
    if (status !== 202) throw new Error(`the push of ${push.repo.name} was answered ${status}`);
    return sentAt;
  }

  async #cloned(repo: Repo): Promise<void> {
    const tip = await this.standin.tip(repo, "refs/heads/main");
    await waitForTip(this.mirrorOf(repo), "refs/heads/main", tip, READY_MS);
  }

  /**
   * Pushes, so that whoever brings the push has believed somebody unverified. GitHub's list of repositories keeps the time
   * of the last push, because a signed delivery about an unknown installation has the list read.
   */
  async #unreported(repo: Repo): Promise<Push> {
    const { pushedAt } = repo;
    const push = await this.standin.commit(repo, "main");
    repo.pushedAt = pushedAt;
    return push;
  }

  #idle(): Promise<void> {
    const depth = async () => (await this.api<{ queue: { depth: number } }>("/api/v1/status")).queue.depth;
    return this.#until("nothing waits in the queue", async () => (await depth()) === 0);
  }

  async #signIn(): Promise<string> {
    const { url } = this.lockstep;
    const body = new URLSearchParams({ token: TOKEN });
    const answer = await fetch(`${url}/sign-in`, {
      method: "POST",
      body,
      headers: { origin: url },
      redirect: "manual",
    });
    const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
    if (cookie === "") throw new Error(`the page's sign-in answered ${answer.status}`);
    return cookie;
  }

  async #until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (!(await isTrue())) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${READY_MS} ms`);
      await sleep(POLL_MS);
    }
  }
}

/** What the API shows of a repository. */
export interface RepositoryState {
  state: string;
  pausedAt: string | null;
  holds: unknown[];
  kept: unknown[];
  provenAt: string | null;
}
