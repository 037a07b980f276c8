import { Octokit } from "@octokit/rest";
import type { RemoteRepository } from "../base/model.js";
import { createTokens, type Tokens } from "./auth.js";
import { type ClientOptions, createAppClient } from "./client.js";
import { isRefusal, restError } from "./errors.js";
import type { RateLimit } from "./limits.js";

export type { RateLimit } from "./limits.js";

export interface GitHubOptions extends ClientOptions {
  /** An installation token was asked for. */
  onToken?: () => void;
}

export interface Installation {
  id: number;
  login: string;
  suspended: boolean;
}

/** One webhook call as GitHub's own log has it. */
export interface LoggedDelivery {
  /** GitHub's number for it, by which its details are asked. */
  id: number;
  /** X-GitHub-Delivery, the same for every attempt. */
  guid: string;
  /** Milliseconds since 1970. */
  deliveredAt: number;
  event: string;
  action: string | null;
  installationId: number | null;
  repositoryId: number | null;
  /** What GitHub noted of the answer, 0: none. */
  statusCode: number;
}

/** A page of GitHub's log, newest first, and where the next, older one starts. */
export interface DeliveryPage {
  deliveries: LoggedDelivery[];
  /** null: there is nothing older. */
  next: string | null;
  /** GitHub's clock at the answer, in milliseconds. */
  at: number;
}

/** An answer with GitHub's clock at it, in whole seconds since 1970. */
export interface Told<T> {
  value: T;
  at: number;
}

/** The REST calls that Lockstep makes. Every one throws RefreshError. */
export interface GitHub extends Tokens {
  installations(): Promise<Installation[]>;
  /** Every repository of an installation, 100 per call; each page with its own clock. */
  repositories(installationId: number): AsyncIterable<Told<RemoteRepository[]>>;
  /** By id, which survives renames. Null: not there, or not for this installation. */
  repository(installationId: number, id: number): Promise<Told<RemoteRepository> | null>;
  /** Which installation a repository belongs to. Null: none of ours. */
  installationOf(owner: string, name: string): Promise<number | null>;
  /** The App's log of deliveries, 100 to a page; GitHub keeps them for 3 days, GHES for 7. */
  deliveries(cursor: string | null): Promise<DeliveryPage>;
  /** What was sent with a delivery; null: GitHub no longer has it. */
  payloadOf(deliveryId: number): Promise<unknown>;
  /** What is left of the rate limits, and how many calls were made. */
  usage(): { calls: number; limits: RateLimit[] };
  setWebhookUrl(url: string): Promise<void>;
  close(): Promise<void>;
}

/** The fields of a REST repository that matter here. */
interface RestRepository {
  id: number;
  name: string;
  owner: { login: string };
  default_branch: string;
  pushed_at?: string | null;
}

export function createGitHub(options: GitHubOptions): GitHub {
  const { app, shared, limits, close } = createAppClient(options);
  const tokens = createTokens(app.auth as never, restError, options.onToken);

  /**
   * A token is refused before its time when the App was uninstalled or suspended, or the token revoked. Minting
   * tells which: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
   */
  async function asInstallation<T>(installationId: number, call: (client: Octokit) => Promise<T>) {
    const having = (auth: string) => new Octokit({ ...shared(`installation ${installationId}`), auth });
    const token = await tokens.token(installationId);
    return call(having(token)).catch(async (error: unknown) => {
      if (!isRefusal(error)) throw error;
      return call(having(await tokens.tokenInstead(installationId, token)));
    });
  }

  return {
    ...tokens,
    installations: () =>
      rest(async () => {
        const all = await app.paginate(app.rest.apps.listInstallations, { per_page: 100 });
        return all.map(({ id, account, suspended_at }) => ({
          id,
          login: account && "login" in account ? account.login : "",
          suspended: Boolean(suspended_at),
        }));
      }),
    async *repositories(installationId) {
      for (let page = 1; ; page++) {
        const { data, headers } = await rest(() =>
          asInstallation(installationId, (client) =>
            client.rest.apps.listReposAccessibleToInstallation({ per_page: 100, page }),
          ),
        );
        yield { value: data.repositories.map((found) => convert(found, installationId)), at: clock(headers) };
        // A page can be short and yet not the last one.
        if (!/rel="next"/.test(headers.link ?? "")) return;
      }
    },
    repository: (installationId, id) =>
      orNull(async () => {
        const { data, headers } = await asInstallation(installationId, (client) =>
          // Undocumented but stable, and the only call by id: GET /repositories/{id}
          client.request("GET /repositories/{id}", { id }),
        );
        return { value: convert(data as RestRepository, installationId), at: clock(headers) };
      }),
    installationOf: (owner, name) =>
      orNull(async () => (await app.rest.apps.getRepoInstallation({ owner, repo: name })).data.id),
    deliveries: (cursor) =>
      rest(async () => {
        const page = { per_page: 100, ...(cursor === null ? {} : { cursor }) };
        const { data, headers } = await app.rest.apps.listWebhookDeliveries(page);
        return { deliveries: data.map(logged), next: nextCursor(headers.link), at: clock(headers) * 1000 };
      }),
    payloadOf: (deliveryId) =>
      orNull(async () => {
        const { data } = await app.rest.apps.getWebhookDelivery({ delivery_id: deliveryId });
        return data.request.payload;
      }),
    usage: limits.usage,
    async setWebhookUrl(url) {
      // By `data`: a parameter called `url` would take the place of the request's own URL.
      await rest(() => app.request("PATCH /app/hook/config", { data: { url, content_type: "json" } }));
    },
    close,
  };
}

function convert(found: RestRepository, installationId: number): RemoteRepository {
  return {
    id: found.id,
    installationId,
    owner: found.owner.login,
    name: found.name,
    defaultBranch: found.default_branch,
    pushedAt: found.pushed_at ? Math.floor(Date.parse(found.pushed_at) / 1000) : 0,
  };
}

type LogEntry = Awaited<ReturnType<Octokit["rest"]["apps"]["listWebhookDeliveries"]>>["data"][number];

const logged = (entry: LogEntry): LoggedDelivery => ({
  id: entry.id,
  guid: entry.guid,
  deliveredAt: Date.parse(entry.delivered_at),
  event: entry.event,
  action: entry.action,
  installationId: entry.installation_id,
  repositoryId: entry.repository_id,
  statusCode: entry.status_code,
});

/** https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api */
function nextCursor(link: string | undefined): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  return next && URL.canParse(next) ? new URL(next).searchParams.get("cursor") : null;
}

const clock = (headers: { date?: string }): number => {
  const at = Date.parse(headers.date ?? "");
  return Math.floor((Number.isNaN(at) ? Date.now() : at) / 1000);
};

async function rest<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw restError(error);
  }
}

async function orNull<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await rest(call);
  } catch (error) {
    if ((error as { code?: string }).code === "not_found") return null;
    throw error;
  }
}
