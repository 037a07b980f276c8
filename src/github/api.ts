import type { Fields } from "../base/large-json.js";
import type { CustomProperties } from "../base/remote-repository.js";
import { createTokens, mintToken, type Tokens } from "./auth.js";
import { type ClientOptions, createAppClient } from "./client.js";
import type { ApiContext } from "./context.js";
import { type DeliveryPage, getPayload, listDeliveries } from "./deliveries.js";
import {
  findInstallationOf,
  findInstallUrl,
  findLoginOf,
  type Installation,
  listInstallations,
} from "./installations.js";
import type { Limits } from "./limits.js";
import { createNames } from "./names.js";
import { listProperties } from "./properties.js";
import {
  createUnchangedReader,
  getRepository,
  getRepositoryNamed,
  listPage,
  listRepositories,
} from "./repositories.js";
import type { RepositoryCalls } from "./repository-calls.js";
import { callRest } from "./rest.js";
import { withWikis } from "./wikis.js";

export type { DeliveryPage, LoggedDelivery } from "./deliveries.js";
export type { Installation } from "./installations.js";
export type { RateLimit } from "./limits.js";

export interface GitHubOptions extends ClientOptions {
  /** Called when an installation token is requested from GitHub. */
  onToken?: () => void;
  /** Whether wikis are listed and found as repositories of their own. Default: no. */
  wikis?: boolean;
}

/** The REST calls that Lockstep makes. Every call throws RefreshError. */
export interface GitHub extends Tokens, Pick<Limits, "usage" | "hold" | "onAnswer">, RepositoryCalls {
  installations(): Promise<Installation[]>;
  /** Finds where an owner of an account installs the App; null: GitHub does not say. */
  installUrl(): Promise<string | null>;
  /** Reads the custom properties of all repositories of an organisation, by their ids, 100 per call. */
  properties(installationId: number, org: string): Promise<ReadonlyMap<number, CustomProperties>>;
  /** Gets the name of an installation's account. Null: the App has no such installation. */
  loginOf(installationId: number): Promise<string | null>;
  /** Lists the App's log of deliveries, 100 to a page; GitHub keeps them for 3 days, GHES for 7. */
  deliveries(cursor: string | null): Promise<DeliveryPage>;
  /** Gets the used fields of a delivery's payload; null: GitHub no longer has the payload. */
  payloadOf(deliveryId: number, fields: Fields): Promise<unknown>;
  setWebhookUrl(url: string): Promise<void>;
  /** The time by which things are deleted for their age: see `HeardClock.earliest`. */
  earliestNow(): number;
  /** The time from which things are kept: see `HeardClock.latest`. */
  latestNow(): number;
  close(): Promise<void>;
}

export function createGitHub(options: GitHubOptions): GitHub {
  const { app, shared, limits, clock, close } = createAppClient(options);
  const tokens = createTokens((id) => mintToken(app, id), options.onToken);
  const context: ApiContext = { app, shared, tokens };
  const github: GitHub = {
    ...tokens,
    installations: () => listInstallations(context),
    installUrl: () => findInstallUrl(context),
    repositories: (installationId) => listRepositories(context, installationId),
    repositoriesOnPage: (installationId, page) => listPage(context, installationId, page),
    properties: (installationId, org) => listProperties(context, installationId, org),
    repository: (installationId, id) => getRepository(context, installationId, id),
    nameOf: createNames(context),
    repositoryNamed: (installationId, name) => getRepositoryNamed(context, installationId, name),
    installationOf: (owner, name) => findInstallationOf(context, owner, name),
    loginOf: (installationId) => findLoginOf(context, installationId),
    deliveries: (cursor) => listDeliveries(context, cursor),
    payloadOf: (deliveryId, fields) => getPayload(context, deliveryId, fields),
    usage: limits.usage,
    hold: limits.hold,
    onAnswer: limits.onAnswer,
    earliestNow: clock.earliest,
    latestNow: clock.latest,
    async setWebhookUrl(url) {
      // The fields go in `data`, because a parameter called `url` would replace the request's own URL.
      await callRest(() => app.request("PATCH /app/hook/config", { data: { url, content_type: "json" } }));
    },
    close,
  };
  return options.wikis ? withWikis(github, createUnchangedReader(context)) : github;
}
