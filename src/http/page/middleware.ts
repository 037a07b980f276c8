import type { Context, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { OPERATOR } from "../../base/access.js";
import { callerOf, setCaller } from "../caller.js";
import { findForwarded, type OtherNodes, wasForwarded } from "../elsewhere.js";
import { message } from "./layout.js";
import type { Sessions } from "./session.js";
import { signInForm } from "./sign-in.js";

/** Allows only the page's own files. Form posts keep their Origin header, which no-referrer would remove. */
export const headers = secureHeaders({
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
  // Only the proxy that ends TLS knows whether its whole host is served over TLS.
  strictTransportSecurity: false,
});

const OPENER_POLICY = "cross-origin-opener-policy";

/**
 * Leaves the opener policy out of what a session opens, because a browser that gets it begins a page again in another
 * process. The form for signing in has it: another site that opens the page brings no strict cookie, gets that form, and
 * loses its hold of the window there.
 */
export const openersAtDoor: MiddlewareHandler = async (context, next) => {
  await next();
  if (callerOf(context)) context.res.headers.delete(OPENER_POLICY);
};

/** Forbids browsers and proxies to store the responses that follow. */
export const noStore: MiddlewareHandler = async (context, next) => {
  context.header("cache-control", "no-store");
  await next();
};

/** The adapter looks up a single header where `hideCredentials` has removed the cookies; the list of all has them. */
export const withCookies: MiddlewareHandler = (context, next) => {
  context.req.raw.headers.keys();
  return next();
};

/** Another site's form carries that site's origin. */
export function sameOrigin(publicUrl: string | null): MiddlewareHandler {
  const publicHost = publicUrl && new URL(publicUrl).host;
  return async (context, next) => {
    if (["GET", "HEAD"].includes(context.req.method)) return next();
    const host = hostOf(context.req.header("origin"));
    if (host !== null && [context.req.header("host"), publicHost].includes(host)) return next();
    const frame = { title: "Refused", status: 403 } as const;
    const remedy =
      "open the page directly; behind a proxy, have the proxy forward the Host header, or set PUBLIC_URL";
    return message(context, frame, "The form came from another site.", remedy);
  };
}

const hostOf = (origin: string | undefined): string | null =>
  origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;

/** Answers a form that is larger than any form of the page. */
export const tooLarge = (context: Context) =>
  message(context, { title: "Refused", status: 413 }, "The form is too large.", "send a smaller form");

/** Answers where no node that has the repository does. */
export const nodeAway = (context: Context) =>
  message(
    context,
    { title: "Not readable now", here: "/repositories", status: 503 },
    "No node that has the repository answers.",
    "see the nodes at /server; after NODE_TIMEOUT other nodes take the repository over",
  );

/** Finds what another node passes on for somebody who is signed in there. */
export function fromOtherNode(nodes: OtherNodes): MiddlewareHandler {
  return async (context, next) => {
    const caller = await findForwarded(context, nodes);
    // Only whoever has API_TOKEN is signed in at the page of a node.
    if (caller && !caller.isOperator) return context.body(null, 403);
    await next();
  };
}

/** The node that has passed a request on has made the check. */
export const unlessForwarded =
  (check: MiddlewareHandler): MiddlewareHandler =>
  (context, next) =>
    wasForwarded(context) ? next() : check(context, next);

/** Shows the sign-in form when there is no session. */
export function signedIn(sessions: Sessions): MiddlewareHandler {
  return async (context: Context, next) => {
    if (await sessions.isOpen(context)) return next();
    const { pathname, search } = new URL(context.req.url);
    return signInForm(
      context,
      context.req.method === "GET" && pathname !== "/live" ? pathname + search : "/",
    );
  };
}

/** A session is opened with API_TOKEN alone, so whoever has one sees everything. */
export const asOperator: MiddlewareHandler = async (context, next) => {
  setCaller(context, OPERATOR);
  await next();
};
