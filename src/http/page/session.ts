import { hkdfSync, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { z } from "zod";
import { monotonicMs } from "../../base/clock.js";
import { dropOldest } from "../../base/drop-oldest.js";

const LIFE_S = 12 * 3_600;
const NAME = "lockstep";
/** So many sessions are remembered; the signature of another one is checked again. */
const MAX_CHECKED = 100;
const Value = z.string().transform((text) => text.split("."));

export interface Sessions {
  begin(context: Context): Promise<void>;
  isOpen(context: Context): Promise<boolean>;
  /** Ends the session for good; copies of the cookie become invalid too. */
  end(context: Context): Promise<void>;
}

/** What the nodes of a cluster have in common, so that a session of one is one of all. */
export interface SharedSessions {
  /** Part of the signing key; at least 32 secret or random bytes. */
  salt: Buffer;
  /** The clock that sessions end by, in milliseconds. */
  clock(): number;
  /** Whether the session was ended early. */
  isEnded(id: string): boolean;
  /** @param endsAt when it would have ended, by `clock` */
  end(id: string, endsAt: number): void;
}

/** Sessions of this process, which end with it, as its clock does. */
export function ownSessions(clock: () => number = monotonicMs): SharedSessions {
  /** Sessions that were ended early, with the times at which they would have expired. */
  const ended = new Map<string, number>();
  return {
    salt: randomBytes(32),
    clock,
    isEnded: (id) => ended.has(id),
    end(id, endsAt) {
      for (const [other, until] of ended) if (until <= clock()) ended.delete(other);
      ended.set(id, endsAt);
    },
  };
}

/**
 * Sessions of browsers, kept in a signed cookie. The signing key is derived from the API token and a value of
 * this process or cluster, so a new token ends all sessions, and a restart those of a Lockstep that is alone.
 */
export function createSessions(apiToken: string, shared: SharedSessions = ownSessions()): Sessions {
  // The cookie's fields are separated by a point.
  const now = () => Math.floor(shared.clock());
  const key = Buffer.from(hkdfSync("sha256", apiToken, shared.salt, "lockstep page session", 32)).toString(
    "base64",
  );

  /** Cookies whose signature was checked, with what they say: an open page sends the same one with each update. */
  const checked = new Map<string, string[]>();

  async function readValue(context: Context): Promise<string[]> {
    const text = getCookie(context, NAME) ?? "";
    const known = checked.get(text);
    if (known) return known;
    const value = Value.safeParse(await getSignedCookie(context, key, NAME)).data;
    if (!value) return [];
    checked.set(text, value);
    dropOldest(checked, MAX_CHECKED);
    return value;
  }

  async function read(context: Context): Promise<{ id: string; endsAt: number } | null> {
    const [id = "", endsAt = "0"] = await readValue(context);
    return Number(endsAt) > now() && !shared.isEnded(id) ? { id, endsAt: Number(endsAt) } : null;
  }

  return {
    async begin(context) {
      const value = `${randomBytes(16).toString("hex")}.${now() + LIFE_S * 1_000}`;
      await setSignedCookie(context, NAME, value, key, { ...flags(context), maxAge: LIFE_S });
    },
    isOpen: async (context) => (await read(context)) !== null,
    async end(context) {
      const session = await read(context);
      if (session) shared.end(session.id, session.endsAt);
      deleteCookie(context, NAME, flags(context));
    },
  };
}

/**
 * Judged by the proxy's header or by the form's origin; a client that forges them affects only its own
 * cookie.
 */
const isHttps = ({ req }: Context) =>
  req.header("x-forwarded-proto")?.split(",")[0] === "https" || req.header("origin")?.startsWith("https:");

const flags = (context: Context) => ({
  path: "/",
  httpOnly: true,
  sameSite: "Strict" as const,
  ...(isHttps(context) ? { secure: true } : {}),
});
