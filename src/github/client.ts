import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { createHeardClock, type HeardClock } from "./clock.js";
import { requireJson } from "./json.js";
import { createLimits, type Limits } from "./limits.js";

export interface ClientOptions {
  appId: string;
  privateKey: string;
  /** The REST base URL, such as https://api.github.com. */
  apiUrl: string;
  log: { debug(message: string): void; warn(message: string): void };
  /** Default: undici's fetch, with HTTPS_PROXY and time-outs. */
  fetch?: typeof globalThis.fetch;
}

export interface AppClient {
  /** An Octokit that authenticates with the App's own key. */
  app: Octokit;
  /**
   * The options that every other client is made with. @param whose the account whose rate limit the calls
   * count against
   */
  shared(whose: string): {
    baseUrl: string;
    request: { fetch: typeof globalThis.fetch };
    log: Record<"debug" | "info" | "warn" | "error", (message: string) => void>;
  };
  limits: Limits;
  clock: HeardClock;
  close(): Promise<void>;
}

export function createAppClient(options: ClientOptions): AppClient {
  const dispatcher = new EnvHttpProxyAgent({
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    connect: { timeout: 10_000 },
  });
  const viaProxy = ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown;
  const quiet = { debug: () => {}, info: () => {}, warn: options.log.warn, error: options.log.debug };
  const fetch = (options.fetch ?? viaProxy) as typeof globalThis.fetch;
  const clock = createHeardClock();
  const limits = createLimits(async (input, init) => {
    const answer = await fetch(input, init);
    clock.hear(answer.headers.get("date"));
    return answer;
  });
  const shared = (whose: string) => ({
    baseUrl: options.apiUrl,
    request: { fetch: requireJson(limits.fetchAs(whose)) },
    log: quiet,
  });
  const app = new Octokit({
    ...shared("app"),
    authStrategy: createAppAuth,
    auth: { appId: options.appId, privateKey: options.privateKey },
  });
  return { app, shared, limits, clock, close: () => dispatcher.destroy() };
}
