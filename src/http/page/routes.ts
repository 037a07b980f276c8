import { EventEmitter } from "node:events";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { asRefreshError } from "../../base/errors.js";
import type { ApiPorts } from "../api.js";
import { audited } from "../audit.js";
import { tokenCheck } from "../bearer.js";
import { limitBody } from "../body-limit.js";
import { clientAddress } from "../client-address.js";
import { answerElsewhere, type OtherNodes } from "../elsewhere.js";
import type { Handler } from "../handler.js";
import type { NodePorts } from "../nodes.js";
import { isOfMachine } from "../problem.js";
import { serve } from "../serve.js";
import { actOf, addActions } from "./actions.js";
import { addAssets } from "./assets.js";
import { addAuditPage } from "./audit.js";
import { addBulkActions } from "./bulk.js";
import { addDeliveriesPage } from "./deliveries.js";
import { addHistoryActions } from "./history.js";
import { keepInstallUrl } from "./install-url.js";
import { keepStatus } from "./kept-status.js";
import { message } from "./layout.js";
import { addLive } from "./live.js";
import { createLost } from "./lost.js";
import {
  asOperator,
  fromOtherNode,
  headers,
  nodeAway,
  noStore,
  openersAtDoor,
  sameOrigin,
  signedIn,
  tooLarge,
  unlessForwarded,
  withCookies,
} from "./middleware.js";
import { notFoundPage } from "./not-found.js";
import { addOverviewPage } from "./overview.js";
import { addReadersPage } from "./readers.js";
import { addRemovalActions } from "./removal.js";
import { addRepositoriesPage } from "./repositories.js";
import { addRepositoryPage } from "./repository.js";
import { addServerPage } from "./server.js";
import { createSessions, ownSessions, type SharedSessions } from "./session.js";
import { addSignIn } from "./sign-in.js";
import { withStanding } from "./standing.js";
import { liveUpdates } from "./update.js";

export interface PageOptions {
  /** Null means that the page is not served. */
  apiToken: string | null;
  /** The server's public URL; null means that each request's own host counts. */
  publicUrl: string | null;
  trustedProxies: readonly string[];
  ports: ApiPorts;
  /** The path that GitHub delivers to. */
  webhookPath?: string;
  /** Finds where the App is installed on an account. */
  findInstallUrl?(): Promise<string | null>;
  /** Null: this Lockstep is alone. */
  nodes?: (OtherNodes & Pick<NodePorts, "list">) | null;
  /** Null: sessions are those of this process. */
  sessions?: SharedSessions | null;
  log?: { error(fields: object, message: string): void };
}

const OURS =
  /^\/($|(repos|repositories|installations|assets)\/|(repositories|trends|deliveries|readers|server|audit|live|sign-in|sign-out)$)/;
const MAX_BODY = 16 * 1024;

/** The operator's web page. */
export function createPage(options: PageOptions): Handler {
  const { apiToken, publicUrl, trustedProxies, log, nodes = null } = options;
  if (apiToken === null) return async () => false;
  const app = new Hono();
  const changes = new EventEmitter().setMaxListeners(0);
  const change = () => void changes.emit("event");
  options.ports.events.newEvents.on("event", change);
  const kept = keepStatus({ read: options.ports.status, onChange: change });
  const ports = { ...options.ports, status: kept.status };
  const { webhookPath = "/api/github/webhooks", findInstallUrl = async () => null } = options;
  const first = {
    webhook: publicUrl === null ? webhookPath : publicUrl + webhookPath,
    installUrl: keepInstallUrl(findInstallUrl),
  };
  const sessions = createSessions(apiToken, options.sessions ?? ownSessions());
  const client = clientAddress(trustedProxies);

  app.use(openersAtDoor, headers);
  addAssets(app);
  if (nodes) app.use(fromOtherNode(nodes));
  app.use(
    noStore,
    withCookies,
    unlessForwarded(sameOrigin(publicUrl)),
    limitBody({ maxBytes: MAX_BODY, onTooLarge: tooLarge }),
  );
  addSignIn(app, {
    sessions,
    isToken: tokenCheck(apiToken),
    addressOf: (context) => client((context.env as HttpBindings).incoming),
  });
  app.use(unlessForwarded(signedIn(sessions)));
  app.use(asOperator);
  if (nodes) app.use(answerElsewhere(nodes, { onAway: nodeAway }));
  app.use(audited(ports.audit, actOf));
  app.use(withStanding(ports.status));
  app.use(liveUpdates(changes));
  app.on("POST", "*", async (_, next) => {
    await next();
    kept.forget();
  });
  addOverviewPage(app, ports, first);
  addRepositoriesPage(app, ports, first);
  addBulkActions(app, ports, nodes);
  addRepositoryPage(app, ports);
  addDeliveriesPage(app, ports, first);
  addReadersPage(app, ports);
  addServerPage(app, ports, nodes);
  addAuditPage(app, ports);
  addActions(app, ports);
  addHistoryActions(app, ports);
  addRemovalActions(app, ports);
  addLive(app, { newEvents: changes, stopping: ports.events.stopping });
  app.notFound((context) => notFoundPage(context, { isSignedIn: true }));
  app.onError((error, context) => {
    log?.error({ err: error }, "a request for the page failed");
    if (isOfMachine(error)) {
      const frame = { title: "Not readable now", here: "/", status: 503 } as const;
      const { code, hint } = asRefreshError(error);
      return message(context, frame, `A mirror or the database cannot be read or written: ${code}.`, hint);
    }
    const frame = { title: "An error in Lockstep", here: "/", status: 500 } as const;
    return message(context, frame, "The page could not be made.", "see the server's log");
  });
  const served = serve(app, (path) => OURS.test(path));
  const lost = createLost({ sessions, status: ports.status });
  return async (request, response) => (await served(request, response)) || lost(request, response);
}
