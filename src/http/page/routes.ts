import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { ApiPorts } from "../api.js";
import { tokenCheck } from "../bearer.js";
import { clientAddress } from "../client-address.js";
import type { Handler } from "../mount.js";
import { serve } from "../serve.js";
import { addActions } from "./actions.js";
import { addAssets } from "./assets.js";
import { addDeliveriesPage } from "./deliveries.js";
import { addHistoryActions } from "./history.js";
import { message } from "./layout.js";
import { addLive } from "./live.js";
import { addRemovalActions } from "./removal.js";
import { addRepositoriesPage } from "./repositories.js";
import { addRepositoryPage } from "./repository.js";
import { seldom } from "./seldom.js";
import { addServerPage } from "./server.js";
import { createSessions, type Sessions } from "./session.js";
import { addSignIn, signInForm } from "./sign-in.js";

export interface PageOptions {
  /** null: it is not served. */
  apiToken: string | null;
  /** As the outside sees this server; null: as each request says. */
  publicUrl: string | null;
  trustedProxies: readonly string[];
  ports: ApiPorts;
  log?: { error(fields: object, message: string): void };
}

const OURS = /^\/($|(repos|installations|assets)\/|(deliveries|server|live|sign-in|sign-out)$)/;
const MAX_BODY = 16 * 1024;
/** It counts repositories, and events that consumers have not taken; open pages ask often. */
const STATUS_MS = 3_000;

/** The page for people. */
export function createPage(options: PageOptions): Handler {
  const { apiToken, publicUrl, trustedProxies, log } = options;
  if (apiToken === null) return async () => false;
  const app = new Hono();
  const ports = { ...options.ports, status: seldom(STATUS_MS, options.ports.status) };
  const sessions = createSessions(apiToken);
  const client = clientAddress(trustedProxies);

  app.use(headers);
  addAssets(app);
  app.use(noStore, sameOrigin(publicUrl), bodyLimit({ maxSize: MAX_BODY, onError: tooLarge }));
  addSignIn(app, {
    sessions,
    isToken: tokenCheck(apiToken),
    addressOf: (context) => client((context.env as HttpBindings).incoming),
  });
  app.use(signedIn(sessions));
  addRepositoriesPage(app, ports);
  addRepositoryPage(app, ports);
  addDeliveriesPage(app, ports);
  addServerPage(app, ports);
  addActions(app, ports);
  addHistoryActions(app, ports);
  addRemovalActions(app, ports);
  addLive(app, ports.events);
  app.notFound((context) =>
    message(context, { title: "Not found", here: "/", status: 404 }, "There is no such page.", "start at /"),
  );
  app.onError((error, context) => {
    log?.error({ err: error }, "a request for the page failed");
    const frame = { title: "A fault in Lockstep", here: "/", status: 500 } as const;
    return message(context, frame, "The page could not be made.", "see the server's log");
  });
  return serve(app, (path) => OURS.test(path));
}

/** Nothing but its own files; form posts keep their Origin, which no-referrer would take from them. */
const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  referrerPolicy: "same-origin",
  // The proxy that ends TLS knows whether all of its host is served so.
  strictTransportSecurity: false,
});

const noStore: MiddlewareHandler = async (context, next) => {
  context.header("cache-control", "no-store");
  await next();
};

/** Another site's form carries that site's origin. */
function sameOrigin(publicUrl: string | null): MiddlewareHandler {
  const publicHost = publicUrl && new URL(publicUrl).host;
  return async (context, next) => {
    if (["GET", "HEAD"].includes(context.req.method)) return next();
    const host = hostOf(context.req.header("origin"));
    if (host !== null && [context.req.header("host"), publicHost].includes(host)) return next();
    const frame = { title: "Refused", status: 403 } as const;
    const remedy = "open the page itself; behind a proxy, have it pass the Host header on, or set PUBLIC_URL";
    return message(context, frame, "The form came from another site.", remedy);
  };
}

const hostOf = (origin: string | undefined): string | null =>
  origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;

const tooLarge = (context: Context) =>
  message(context, { title: "Refused", status: 413 }, "The form is too large.", "send less of it");

function signedIn(sessions: Sessions): MiddlewareHandler {
  return async (context: Context, next) => {
    if (await sessions.isOpen(context)) return next();
    const { pathname, search } = new URL(context.req.url);
    return signInForm(
      context,
      context.req.method === "GET" && pathname !== "/live" ? pathname + search : "/",
    );
  };
}
