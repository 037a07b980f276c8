import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Courier, type Delivered, type DeliverOptions } from "./courier.js";
import { Deliveries } from "./deliveries.js";
import { type EventActions, type EventDetails, type EventName, eventFor } from "./events.js";
import { Faults } from "./faults.js";
import { Front } from "./front.js";
import { GitHttp } from "./git-http.js";
import { LfsServer } from "./lfs.js";
import { Limits } from "./limits.js";
import { Listener } from "./listener.js";
import { Manifests } from "./manifest.js";
import { Owners } from "./owners.js";
import { Rest } from "./rest.js";
import { StaleCopies } from "./stale.js";
import type { AppIdentity, Call, GitRequest, Installation, Push, Repo, StandInOptions } from "./types.js";

export type { Delivered, DeliverOptions } from "./courier.js";
export type { DeliveryRecord, NewDelivery } from "./deliveries.js";
export { changed, type EventActions, type EventDetails, type EventName } from "./events.js";
export type { StatusFault } from "./faults.js";
export { installationFor, payloadFor, repositoryFor } from "./payload.js";
export type { NewHead, NewPullRequest } from "./pulls.js";
export * from "./types.js";

/** The stand-in is GitHub, as far as an App that mirrors repositories can see, on loopback. */
export class StandIn extends Owners {
  readonly calls: Call[] = [];
  readonly gitRequests: GitRequest[] = [];
  readonly faults = new Faults();
  readonly limits = new Limits();
  readonly lfs = new LfsServer();
  readonly deliveries = new Deliveries();
  readonly manifests: Manifests;
  readonly #app: AppIdentity;
  readonly #rest: Rest;
  readonly #listener: Listener;
  readonly #courier: Courier;
  readonly #stale: StaleCopies;
  #closing: Promise<void> | undefined;

  private constructor(
    private readonly dir: string,
    private readonly options: StandInOptions,
  ) {
    super(join(dir, "repos"));
    this.#app = {
      appId: options.appId ?? 4242,
      privateKey: options.privateKey ?? sharedPrivateKey(),
      webhookSecret: options.webhookSecret ?? "webhook-secret-of-the-stand-in",
    };
    const { world, git, faults, deliveries, limits } = this;
    this.#stale = new StaleCopies(dir);
    this.#courier = new Courier(this.#app, deliveries, this.#stale, () => this.url);
    const hookConfig = { content_type: "json", insecure_ssl: "0", url: "" };
    this.manifests = new Manifests(this.#app, world, hookConfig);
    this.#rest = new Rest(this.#app, world, deliveries, this.manifests, hookConfig);
    const gitHttp = new GitHttp({ world, git, faults, stale: this.#stale });
    const front = new Front(this.#rest, gitHttp, this.lfs.over(gitHttp), this.manifests, faults, limits, {
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

  /** Returns the settings that point Lockstep at the stand-in. */
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

  /** A token as Lockstep would be given one. */
  token(installation: Installation): string {
    return this.world.mintToken(installation).token;
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
  /** What GitHub would tell of it now; `deliverEvent` sends it. */
  eventFor<E extends EventName>(
    event: E,
    action: EventActions[E],
    details: EventDetails[E],
  ): Record<string, unknown> {
    const { appId, url: origin, world } = this;
    const repositoriesOf = (installation: Installation) => world.repositoriesOf(installation);
    return eventFor(event, action, details, { appId, origin, repositoriesOf });
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
    this.git.killAll();
    await Promise.all([this.down(), this.#courier.close()]);
    if (this.options.dir === undefined)
      await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

export const startStandIn = (options?: StandInOptions): Promise<StandIn> => StandIn.start(options);

let sharedKey: string | undefined;

/** One for all stand-ins of the process: to make one takes as long as to start ten without. */
function sharedPrivateKey(): string {
  sharedKey ??= newPrivateKey();
  return sharedKey;
}

export function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  // GitHub hands out PKCS#1.
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}
