import { generateKeyPairSync } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Changes } from "./changes.js";
import { Courier, type Delivered, type DeliverOptions } from "./courier.js";
import { Deliveries } from "./deliveries.js";
import { Faults } from "./faults.js";
import { Front } from "./front.js";
import { Git } from "./git.js";
import { GitHttp } from "./git-http.js";
import { Listener } from "./listener.js";
import { Repositories } from "./repositories.js";
import { type AppIdentity, Rest } from "./rest.js";
import { StaleCopies } from "./stale.js";
import type { Call, Events, GitRequest, Installation, Push, Repo, StandInOptions } from "./types.js";
import { World } from "./world.js";

export type { Delivered, DeliverOptions } from "./courier.js";
export type { DeliveryRecord } from "./deliveries.js";
export type { StatusFault } from "./faults.js";
export { exampleOf, installationFor, payloadFor, repositoryFor } from "./payload.js";
export * from "./types.js";

/** GitHub, as far as an App that mirrors repositories can tell, on loopback. */
export class StandIn extends EventEmitter<Events> {
  readonly calls: Call[] = [];
  readonly gitRequests: GitRequest[] = [];
  readonly faults = new Faults();
  readonly world = new World();
  readonly deliveries = new Deliveries();
  readonly #git = new Git();
  readonly #app: AppIdentity;
  readonly #rest: Rest;
  readonly #listener: Listener;
  readonly #repositories: Repositories;
  readonly #changes: Changes;
  readonly #courier: Courier;
  readonly #stale: StaleCopies;
  #closing: Promise<void> | undefined;

  private constructor(
    private readonly dir: string,
    private readonly options: StandInOptions,
  ) {
    super();
    this.#app = {
      appId: options.appId ?? 4242,
      privateKey: options.privateKey ?? newPrivateKey(),
      webhookSecret: options.webhookSecret ?? "webhook-secret-of-the-stand-in",
    };
    const { world, faults, deliveries } = this;
    this.#repositories = new Repositories(join(dir, "repos"), world, this.#git);
    this.#changes = new Changes(world, this.#git);
    this.#stale = new StaleCopies(dir);
    this.#courier = new Courier(this.#app, deliveries, this.#stale, () => this.url);
    this.#rest = new Rest(this.#app, world, deliveries);
    const gitHttp = new GitHttp({ world, git: this.#git, faults, stale: this.#stale });
    const front = new Front(this.#rest, gitHttp, faults, {
      call: (call) => {
        this.calls.push(call);
        this.emit("call", call);
      },
      gitStart: (request) => {
        this.gitRequests.push(request);
        this.emit("git-start", request);
      },
      git: (request) => this.emit("git", request),
    });
    this.#listener = new Listener((request, response, connection) => {
      front.serve(request, response, connection, this.protocol).catch(() => response.destroy());
    }, options.tls);
  }

  static async start(options: StandInOptions = {}): Promise<StandIn> {
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "standin-")));
    await mkdir(join(dir, "repos"), { recursive: true });
    const standIn = new StandIn(dir, options);
    await standIn.up();
    return standIn;
  }

  get protocol(): "http" | "https" {
    return this.options.tls ? "https" : "http";
  }
  get host(): string {
    return `127.0.0.1:${this.#listener.port}`;
  }
  get url(): string {
    return `${this.protocol}://${this.host}`;
  }
  get appId(): number {
    return this.#app.appId;
  }
  get privateKey(): string {
    return this.#app.privateKey;
  }
  get webhookSecret(): string {
    return this.#app.webhookSecret;
  }
  get hookConfig(): Record<string, unknown> {
    return this.#rest.hookConfig;
  }
  /** TCP connections accepted so far. */
  get connections(): number {
    return this.#listener.connections;
  }
  get strictClock(): boolean {
    return this.world.strictClock;
  }
  set strictClock(on: boolean) {
    this.world.strictClock = on;
  }

  /** What points Lockstep here. */
  env(): Record<string, string> {
    return {
      APP_ID: String(this.appId),
      PRIVATE_KEY: this.privateKey,
      WEBHOOK_SECRET: this.webhookSecret,
      GHE_HOST: this.host,
      GHE_PROTOCOL: this.protocol,
    };
  }

  up(): Promise<void> {
    return this.#listener.up();
  }
  down(): Promise<void> {
    return this.#listener.down();
  }
  clearCounters(): void {
    this.calls.length = 0;
    this.gitRequests.length = 0;
  }

  createInstallation(...args: Parameters<Repositories["createInstallation"]>): Installation {
    return this.#repositories.createInstallation(...args);
  }
  suspendInstallation(installation: Installation, suspended = true): void {
    this.#repositories.suspend(installation, suspended);
  }
  removeInstallation(installation: Installation): void {
    for (const repo of this.world.repositoriesOf(installation)) repo.installation = null;
    this.world.installations.delete(installation.id);
  }
  createRepository(...args: Parameters<Repositories["createRepository"]>): Promise<Repo> {
    return this.#repositories.createRepository(...args);
  }
  renameRepository(repo: Repo, name: string, owner?: string): void {
    this.#repositories.rename(repo, name, owner);
  }
  /** Takes it out of its installation; it stays at GitHub. */
  removeRepository(repo: Repo): void {
    repo.installation = null;
  }
  deleteRepository(repo: Repo): Promise<void> {
    return this.#repositories.delete(repo);
  }
  setDefaultBranch(repo: Repo, branch: string): Promise<void> {
    return this.#repositories.setDefaultBranch(repo, branch);
  }
  /** A token as Lockstep would be given one. */
  token(installation: Installation): string {
    return this.world.mintToken(installation).token;
  }

  commit(...args: Parameters<Changes["commit"]>): Promise<Push> {
    return this.#changes.commit(...args);
  }
  commitObject(...args: Parameters<Changes["commitObject"]>): Promise<string> {
    return this.#changes.commitObject(...args);
  }
  forcePush(...args: Parameters<Changes["forcePush"]>): Promise<Push> {
    return this.#changes.forcePush(...args);
  }
  deleteRef(...args: Parameters<Changes["deleteRef"]>): Promise<Push> {
    return this.#changes.deleteRef(...args);
  }
  createTag(...args: Parameters<Changes["createTag"]>): Promise<Push> {
    return this.#changes.createTag(...args);
  }
  createBranch(...args: Parameters<Changes["createBranch"]>): Promise<Push> {
    return this.#changes.createBranch(...args);
  }
  updateRefs(...args: Parameters<Changes["updateRefs"]>): Promise<Push[]> {
    return this.#changes.updateRefs(...args);
  }
  tips(repo: Repo): Promise<Map<string, string>> {
    return this.#changes.tips(repo);
  }
  /** ZERO when there is no such ref. */
  tip(repo: Repo, ref: string): Promise<string> {
    return this.#changes.tip(repo, ref);
  }
  resolve(repo: Repo, what: string): Promise<string> {
    return this.#changes.resolve(repo, what);
  }

  payloadFor(push: Push): Record<string, unknown> {
    return this.#courier.payloadFor(push);
  }
  deliver(push: Push, options: DeliverOptions): Promise<Delivered> {
    return this.#courier.deliver(push, options);
  }
  deliverEvent(...args: Parameters<Courier["deliverEvent"]>): Promise<Delivered> {
    return this.#courier.deliverEvent(...args);
  }
  async pushAndDeliver(repo: Repo, branch: string, to: string): Promise<Push> {
    const push = await this.commit(repo, branch);
    await this.deliver(push, { to });
    return push;
  }
  /** Git reads see the repository as it is now, until `ms` after its next delivery. */
  serveStale(repo: Repo, ms: number): Promise<void> {
    return this.#stale.serve(repo, ms);
  }
  stopStale(repo: Repo): void {
    this.#stale.stop(repo);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#git.killAll();
    await Promise.all([this.down(), this.#courier.close()]);
    if (this.options.dir === undefined)
      await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

export const startStandIn = (options?: StandInOptions): Promise<StandIn> => StandIn.start(options);

function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  // GitHub hands out PKCS#1.
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}
