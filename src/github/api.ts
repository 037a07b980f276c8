import type { Fields } from "../base/large-json.js";
import type { RepositoryName } from "../base/model.js";
import type { CustomProperties, RemoteRepository } from "../base/remote-repository.js";
import { createTokens, mintToken, type Tokens } from "./auth.js";
import { type ClientOptions, createAppClient } from "./client.js";
import type { ApiContext } from "./context.js";
import { type DeliveryPage, getPayload, listDeliveries } from "./deliveries.js";
import { findInstallationOf, findLoginOf, type Installation, listInstallations } from "./installations.js";
import type { Limits } from "./limits.js";
import { createNames } from "./names.js";
import { listProperties } from "./properties.js";
import { getRepository, getRepositoryNamed, listPage, listRepositories } from "./repositories.js";
import { callRest, type Dated } from "./rest.js";

export type { DeliveryPage, LoggedDelivery } from "./deliveries.js";
export type { Installation } from "./installations.js";
export type { RateLimit } from "./limits.js";

export interface GitHubOptions extends ClientOptions {
  /** Called when an installation token is requested from GitHub. */
  onToken?: () => void;
}

/** The REST calls that Lockstep makes. Every call throws RefreshError. */
export interface GitHub extends Tokens, Pick<Limits, "usage" | "hold" | "onAnswer"> {
  installations(): Promise<Installation[]>;
  /** Yields every repository of an installation, 100 per call; each page has GitHub's clock. */
  repositories(installationId: number): AsyncIterable<Dated<RemoteRepository[]>>;
  /** Reads one page of that list again, the first of which is 1. Past the end it is empty. */
  repositoriesOnPage(installationId: number, page: number): Promise<Dated<RemoteRepository[]>>;
  /** Reads the custom properties of all repositories of an organisation, by their ids, 100 per call. */
  properties(installationId: number, org: string): Promise<ReadonlyMap<number, CustomProperties>>;
  /**
   * Gets a repository by id, which survives renames. Null: the repository does not exist, or not for this
   * installation.
   */
  repository(installationId: number, id: number): Promise<Dated<RemoteRepository> | null>;
  /** Asks which name a repository has now, which costs nothing while nothing has changed. Null: as for `repository`. */
  nameOf(installationId: number, id: number): Promise<RepositoryName | null>;
  /** Gets a repository by a name that it has or had. Null: there is none, or not for this installation. */
  repositoryNamed(installationId: number, name: RepositoryName): Promise<RemoteRepository | null>;
  /** Finds the installation that a repository belongs to. Null: the repository is not visible to the App. */
  installationOf(owner: string, name: string): Promise<number | null>;
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
  return {
    ...tokens,
    installations: () => listInstallations(context),
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
}
