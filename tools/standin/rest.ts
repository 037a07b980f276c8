import { createPublicKey, type KeyObject } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Deliveries } from "./deliveries.js";
import { jwtFault } from "./jwt.js";
import type { Caller } from "./limits.js";
import type { Manifests } from "./manifest.js";
import { installationJson, PERMISSIONS, propertiesJson, type Rights, repositoryJson } from "./rest-json.js";
import type { Answer, AppIdentity, Installation, Repo } from "./types.js";
import type { World } from "./world.js";

interface Request {
  params: string[];
  query: URLSearchParams;
  url: URL;
  caller: Caller;
  body: Record<string, unknown>;
}

type Handler = (request: Request) => Answer;

const failure = (status: number, message: string): Answer => ({ status, body: { message } });
const NO_JWT = "A JSON web token could not be decoded";
const NOT_FOUND = failure(404, "Not Found");
const NOT_GRANTED = failure(422, "The permissions requested are not granted to this installation.");
const NOT_ACCESSIBLE = failure(403, "Resource not accessible by integration");
const SUSPENDED = failure(403, "This installation has been suspended");

/** The part of GitHub's REST API that an App which mirrors repositories has a use for. */
export class Rest {
  readonly #key: KeyObject;
  readonly #routes: [string, RegExp, Handler][] = [];

  constructor(
    private readonly app: AppIdentity,
    private readonly world: World,
    private readonly deliveries: Deliveries,
    private readonly manifests: Manifests,
    readonly hookConfig: Record<string, unknown>,
  ) {
    this.#key = createPublicKey(app.privateKey);
    this.#route("POST", /^\/app-manifests\/([^/]+)\/conversions$/, ({ params, url }) =>
      this.manifests.convert(params[0] ?? "", url.origin),
    );
    this.#asApp();
    this.#asInstallation();
  }

  callerOf(request: IncomingMessage): Caller {
    const token = tokenOf(request);
    const installation = this.world.installationByToken(token);
    const permissions = this.world.permissionsOf(token);
    if (installation && !installation.suspendedAt) return { kind: "installation", installation, permissions };
    const fault = jwtFault(token, this.#key, this.app.appId);
    return fault ? { kind: "anonymous", fault } : { kind: "app" };
  }

  answer(request: IncomingMessage, url: URL, body: string, caller: Caller): Answer {
    const path = url.pathname.replace(/^\/api\/v3/, "");
    for (const [method, pattern, handler] of this.#routes) {
      const match = method === request.method ? pattern.exec(path) : null;
      if (!match) continue;
      const params = match.slice(1).map(decodeURIComponent);
      const json = body === "" ? {} : JSON.parse(body);
      return handler({ params, url, query: url.searchParams, caller, body: json });
    }
    return NOT_FOUND;
  }

  #route(method: string, pattern: RegExp, handler: Handler): void {
    this.#routes.push([method, pattern, handler]);
  }

  /** Routes for the App's own JSON Web Token. */
  #asApp(): void {
    const app = (method: string, pattern: RegExp, handler: Handler): void =>
      this.#route(method, pattern, (request) => {
        const { caller } = request;
        if (caller.kind === "app") return handler(request);
        return failure(401, caller.kind === "anonymous" ? caller.fault : NO_JWT);
      });
    const { appId } = this.app;
    app("GET", /^\/app$/, ({ url }) => ({
      status: 200,
      body: {
        id: appId,
        slug: "lockstep",
        name: "Lockstep",
        html_url: `${url.origin}/apps/lockstep`,
        owner: { login: "acme", id: 1, type: "Organization" },
        ...this.world.rights,
      },
    }));
    app("GET", /^\/app\/installations$/, (request) =>
      paged(request, [...this.world.installations.values()], (it) =>
        installationJson(it, appId, this.world.rights),
      ),
    );
    app("GET", /^\/app\/installations\/(\d+)$/, ({ params }) => {
      const installation = this.world.installations.get(Number(params[0]));
      return installation
        ? { status: 200, body: installationJson(installation, appId, this.world.rights) }
        : NOT_FOUND;
    });
    app("POST", /^\/app\/installations\/(\d+)\/access_tokens$/, ({ params, body }) => {
      const installation = this.world.installations.get(Number(params[0]));
      return installation ? this.#accessToken(installation, body.permissions) : NOT_FOUND;
    });
    app("GET", /^\/repos\/([^/]+)\/([^/]+)\/installation$/, ({ params, url }) => {
      const [owner = "", name = ""] = params;
      const repo = this.world.find(owner, name);
      if (repo) return this.#installationOf(repo);
      const moved = this.world.findFormer(owner, name);
      return moved?.installation ? movedTo(`/repositories/${moved.id}/installation`, url) : NOT_FOUND;
    });
    app("GET", /^\/repositories\/(\d+)\/installation$/, ({ params }) =>
      this.#installationOf(this.world.repositories.get(Number(params[0]))),
    );
    app("GET", /^\/app\/hook\/config$/, () => ({ status: 200, body: this.#maskedHookConfig() }));
    app("PATCH", /^\/app\/hook\/config$/, ({ body }) => {
      Object.assign(this.hookConfig, body);
      if (typeof body.secret === "string") this.app.webhookSecret = body.secret;
      return { status: 200, body: this.#maskedHookConfig() };
    });
    app("GET", /^\/app\/hook\/deliveries$/, ({ url }) => this.deliveries.list(url));
    app("GET", /^\/app\/hook\/deliveries\/(\d+)$/, ({ params }) => this.deliveries.detail(Number(params[0])));
  }

  /** Routes for an installation's token. */
  #asInstallation(): void {
    const installation = (
      pattern: RegExp,
      handler: (request: Request, installation: Installation) => Answer,
    ): void =>
      this.#route("GET", pattern, (request) => {
        if (request.caller.kind !== "installation") return failure(401, "Bad credentials");
        return handler(request, request.caller.installation);
      });
    installation(/^\/installation\/repositories$/, (request, found) => {
      const all = this.world.repositoriesOf(found);
      const answer = paged(request, all, (repo) => this.#repository(repo, request.url));
      return { ...answer, body: { total_count: all.length, repositories: answer.body } };
    });
    installation(/^\/orgs\/([^/]+)\/properties\/values$/, (request, { login }) => {
      const { caller, params } = request;
      const mayRead =
        caller.kind === "installation" && "organization_custom_properties" in caller.permissions;
      if (!mayRead) return NOT_ACCESSIBLE;
      return params[0] === login ? paged(request, this.world.ownedBy(login), propertiesJson) : NOT_FOUND;
    });
    installation(/^\/repositories\/(\d+)$/, ({ params, url }, found) => {
      const repo = this.world.repositories.get(Number(params[0]));
      if (!this.world.isReadable(repo, found)) return NOT_FOUND;
      return { status: 200, body: this.#repository(repo, url) };
    });
    installation(/^\/repos\/([^/]+)\/([^/]+)$/, ({ params, url }, found) => {
      const [owner = "", name = ""] = params;
      const repo = this.world.find(owner, name);
      if (this.world.isReadable(repo, found)) return { status: 200, body: this.#repository(repo, url) };
      const moved = repo ? undefined : this.world.findFormer(owner, name);
      return this.world.isReadable(moved, found) ? movedTo(`/repositories/${moved.id}`, url) : NOT_FOUND;
    });
  }

  #repository(repo: Repo, { origin }: URL) {
    const { custom_properties, ...json } = repositoryJson(repo, origin);
    return this.world.showsProperties ? { ...json, custom_properties } : json;
  }

  #installationOf(repo: Repo | undefined): Answer {
    const found = repo?.installation;
    return found
      ? { status: 200, body: installationJson(found, this.app.appId, this.world.rights) }
      : NOT_FOUND;
  }

  #accessToken(installation: Installation, asked: unknown): Answer {
    if (installation.suspendedAt) return SUSPENDED;
    const permissions = (asked as Rights["permissions"] | undefined) ?? PERMISSIONS;
    const granted = this.world.rights.permissions;
    if (!Object.keys(permissions).every((name) => Object.hasOwn(granted, name))) return NOT_GRANTED;
    const { token, expiresAt } = this.world.mintToken(installation, permissions);
    const { selection } = installation;
    const body = { token, expires_at: expiresAt, permissions, repository_selection: selection };
    return { status: 201, body };
  }

  #maskedHookConfig(): Record<string, unknown> {
    return { ...this.hookConfig, secret: "********" };
  }
}

const tokenOf = ({ headers }: IncomingMessage): string =>
  (headers.authorization ?? "").replace(/^(bearer|token) /i, "");

function movedTo(path: string, { origin }: URL): Answer {
  const location = `${origin}/api/v3${path}`;
  return {
    status: 301,
    headers: { location },
    body: { message: "Moved Permanently", url: location },
  };
}

function paged<T>({ url, query }: Request, all: T[], toJson: (one: T) => unknown): Answer {
  const size = Math.min(Number(query.get("per_page") ?? 30), 100);
  const page = Number(query.get("page") ?? 1);
  const last = Math.max(1, Math.ceil(all.length / size));
  const link = (to: number, rel: string): string => {
    const address = new URL(url);
    address.searchParams.set("page", String(to));
    return `<${address}>; rel="${rel}"`;
  };
  const links = [];
  if (page > 1) links.push(link(page - 1, "prev"), link(1, "first"));
  if (page < last) links.push(link(page + 1, "next"), link(last, "last"));
  return {
    status: 200,
    headers: links.length > 0 ? { link: links.join(", ") } : {},
    body: all.slice((page - 1) * size, page * size).map(toJson),
  };
}
