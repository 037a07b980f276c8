import { createPrivateKey } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { readUpTo } from "../base/read-up-to.js";
import type { Handler } from "./handler.js";
import { forbidden, type Refusal, refuse } from "./setup-refusal.js";
import { leadOnFrom, SetupState } from "./setup-state.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const MAX_BODY = 64 * 1024;

export interface SetupAddress {
  /** The host and port that the page listens on. */
  host: string | undefined;
  publicUrl: string | undefined;
}

/**
 * Protects Probot's setup page, which needs no sign-in. Without the check another site open in the same
 * browser, or a link of that site, could register its own App there.
 */
export function setupDoor(address: SetupAddress): Handler {
  const own = ownHosts(address);
  const state = new SetupState();
  return async (request, response) => {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    if (path !== "/probot" && !path.startsWith("/probot/")) return false;
    const refusal =
      refuseForeign(request, path, own) ??
      (path === "/probot/setup" ? state.missing(query) : await wrongImport(request, path));
    if (refusal) refuse(response, refusal);
    else if (path === "/probot") state.putInto(response);
    else if (path === "/probot/success") leadOnFrom(response);
    return refusal !== null;
  };
}

interface Own {
  names: Set<string>;
  publicHost: string | undefined;
}

function ownHosts({ host, publicUrl }: SetupAddress): Own {
  const published = parsed(publicUrl);
  // A host with colons is an IPv6 address and needs brackets.
  const isBare = host?.includes(":") && !host.startsWith("[");
  const bound = host ? parsed(`http://${isBare ? `[${host}]` : host}`) : null;
  const names = [bound?.hostname, published?.hostname].filter((name) => name !== undefined);
  return { names: new Set([...LOOPBACK, ...names]), publicHost: published?.host };
}

function refuseForeign({ method, headers }: IncomingMessage, path: string, own: Own): Refusal | null {
  const name = headers.host && parsed(`http://${headers.host}`)?.hostname;
  if (!name || !own.names.has(name))
    return forbidden("This is not the setup page's address. Open the page at localhost, or set PUBLIC_URL.");
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (method !== "GET" && method !== "HEAD") {
    const from = origin === undefined ? null : parsed(origin)?.host;
    const isOwn =
      from === null
        ? site === undefined || site === "same-origin"
        : from !== undefined && (from === host || from === own.publicHost);
    if (!isOwn)
      return forbidden("This form came from another page. Open the setup page itself and continue there.");
  }
  if (path === "/probot/setup" && (headers["sec-fetch-dest"] ?? "document") !== "document")
    return forbidden("This request came from another page. Open the setup page and register the App there.");
  return null;
}

/** Leaves the body to Probot, which reads without limit and accepts any text as a key. */
async function wrongImport(request: IncomingMessage, path: string): Promise<Refusal | null> {
  if (request.method !== "POST" || path !== "/probot/import") return null;
  const text = await bodyOf(request);
  if (text === null) return { status: 413, text: "This is too long to be an App's id, key and secret." };
  const { appId, pem, webhook_secret: secret } = fieldsOf(text);
  if (!/^\d+$/.test(String(appId)) || typeof secret !== "string" || secret === "")
    return { status: 400, text: "Enter the App's id (digits), its private key and its webhook secret." };
  if (!isRsaKey(pem))
    return {
      status: 400,
      text: "This is not a private key. Use the .pem file that GitHub generated for the App.",
    };
  Object.assign(request, { body: text });
  return null;
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const body = await readUpTo(request, MAX_BODY);
  return body === null ? null : body.toString("utf8");
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isRsaKey(pem: unknown): boolean {
  try {
    return typeof pem === "string" && createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

const parsed = (url: string | undefined) => (url && URL.canParse(url) ? new URL(url) : null);
