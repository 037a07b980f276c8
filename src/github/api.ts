import type { RemoteRepository } from "../base/model.js";
import { createTokens, type Tokens } from "./auth.js";
import { type ClientOptions, createAppClient } from "./client.js";
import type { ApiContext } from "./context.js";
import { type DeliveryPage, getPayload, listDeliveries } from "./deliveries.js";
import { restError } from "./errors.js";
import { findInstallationOf, type Installation, listInstallations } from "./installations.js";
import type { RateLimit } from "./limits.js";
import { getRepository, listRepositories } from "./repositories.js";
import { callRest, type Dated } from "./rest.js";

export type { DeliveryPage, LoggedDelivery } from "./deliveries.js";
export type { Installation } from "./installations.js";
export type { RateLimit } from "./limits.js";

export interface GitHubOptions extends ClientOptions {
  /** An installation token was asked for. */
  onToken?: () => void;
}

/** The REST calls that Lockstep makes. Every one throws RefreshError. */
export interface GitHub extends Tokens {
  installations(): Promise<Installation[]>;
  /** Every repository of an installation, 100 per call; each page with its own clock. */
  repositories(installationId: number): AsyncIterable<Dated<RemoteRepository[]>>;
  /** By id, which survives renames. Null: not there, or not for this installation. */
  repository(installationId: number, id: number): Promise<Dated<RemoteRepository> | null>;
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

export function createGitHub(options: GitHubOptions): GitHub {
  const { app, shared, limits, close } = createAppClient(options);
  const tokens = createTokens(app.auth as never, restError, options.onToken);
  const context: ApiContext = { app, shared, tokens };
  return {
    ...tokens,
    installations: () => listInstallations(context),
    repositories: (installationId) => listRepositories(context, installationId),
    repository: (installationId, id) => getRepository(context, installationId, id),
    installationOf: (owner, name) => findInstallationOf(context, owner, name),
    deliveries: (cursor) => listDeliveries(context, cursor),
    payloadOf: (deliveryId) => getPayload(context, deliveryId),
    usage: limits.usage,
    async setWebhookUrl(url) {
      // By `data`: a parameter called `url` would take the place of the request's own URL.
      await callRest(() => app.request("PATCH /app/hook/config", { data: { url, content_type: "json" } }));
    },
    close,
  };
}
