import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { createAttempts } from "./attempts.js";
import { clientAddress } from "./client-address.js";
import { unauthorized, wrongTooOften } from "./problem.js";

const WRONG_ONES = 100;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

interface Options {
  /** null: nothing is right. */
  apiToken: string | null;
  trustedProxies: readonly string[];
}

/** Tells the bearer of the API's token from everyone else; for API, metrics and health together. */
export interface Bearers {
  /** Whether there is a token at all. */
  readonly exist: boolean;
  /** null: it is one. */
  refuse(context: Context): Promise<Response | null>;
}

/**
 * The right token is let in however many wrong ones came from its address: behind a proxy that is not in
 * TRUSTED_PROXIES all clients have the same, and a stranger must not lock the operator out.
 */
export function createBearers({ apiToken, trustedProxies }: Options): Bearers {
  const isToken = apiToken === null ? () => false : tokenCheck(apiToken);
  const addressOf = clientAddress(trustedProxies);
  const attempts = createAttempts(WRONG_ONES);
  return {
    exist: apiToken !== null,
    async refuse({ req, env }) {
      const given = /^Bearer +(\S+)$/i.exec(req.header("authorization") ?? "")?.[1];
      if (given === undefined) return unauthorized();
      if (isToken(given)) return null;
      const seconds = await attempts.take(addressOf((env as HttpBindings).incoming));
      return seconds === 0 ? unauthorized() : wrongTooOften(seconds);
    },
  };
}

/** @returns whether a text is the token; the time it takes tells nothing of it, its length included. */
export function tokenCheck(token: string): (given: string) => boolean {
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
