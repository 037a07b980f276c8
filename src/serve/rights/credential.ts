import { TOKEN_PREFIX } from "../../base/access.js";

/** What a reader sent. Its form alone decides who judges it. */
export type Credential =
  | { kind: "none" }
  /** A token of Lockstep's, which never leaves this machine. */
  | { kind: "token"; secret: string }
  /** A token that the configured issuer has signed, or claims to have. */
  | { kind: "oidc"; jwt: string }
  /** Everything else is GitHub's. The header is rewritten, so that GitHub gets what was judged. */
  | { kind: "github"; authorization: string }
  /** No credential in a form that git sends. */
  | { kind: "unusable" };

const MAX_LENGTH = 16 * 1024;

/** @param issuer the `iss` of tokens that are OIDC's; null: none is */
export function readCredential(authorization: string | null, issuer: string | null): Credential {
  if (authorization === null) return { kind: "none" };
  const parts = partsOf(authorization);
  if (parts === null) return { kind: "unusable" };
  // A mistake in how it is sent must not carry a token of ours to GitHub.
  if ([authorization, ...parts].some((text) => text.toLowerCase().includes(TOKEN_PREFIX)))
    return { kind: "token", secret: parts.find((text) => text.startsWith(TOKEN_PREFIX)) ?? "" };
  const jwt = issuer === null ? undefined : parts.find((text) => issuerOf(text) === issuer);
  if (jwt !== undefined) return { kind: "oidc", jwt };
  const [user = "", password = ""] = parts;
  return {
    kind: "github",
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
  };
}

/** Returns user and password; null: the header has another form. */
function partsOf(authorization: string): [user: string, password: string] | null {
  if (authorization.length > MAX_LENGTH) return null;
  const [, scheme = "", text = ""] = /^ *(basic|bearer|token) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === "") return null;
  // GitHub takes any user with a token.
  if (scheme.toLowerCase() !== "basic") return ["x-access-token", text];
  const decoded = Buffer.from(text, "base64").toString();
  const [, user, password] = /^([^:]*):(.*)$/s.exec(decoded) ?? [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (user === undefined || /[\u0000-\u001f\u007f\ufffd]/.test(decoded)) return null;
  return [user, password ?? ""];
}

/** Returns the issuer that a JSON Web Token names, whether or not it is signed; null: this is none. */
function issuerOf(text: string): string | null {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(text) ?? [];
  if (payload === undefined) return null;
  try {
    const { iss } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iss?: unknown };
    return typeof iss === "string" ? iss.replace(/\/+$/, "") : null;
  } catch {
    return null;
  }
}
