import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { type Caller, OPERATOR } from "../base/access.js";
import { createAttempts } from "./attempts.js";
import { clientAddress } from "./client-address.js";
import { unauthorized, wrongTooOften } from "./problem.js";

const WRONG_ONES = 100;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

interface Options {
  /** Null means that no token is accepted. */
  apiToken: string | null;
  trustedProxies: readonly string[];
  /** Returns whoever has a token that an operator made; null: nobody. */
  findToken?(given: string): Caller | null;
}

/** Checks bearer tokens for API, metrics and health together. */
export interface Bearers {
  /** Whether API_TOKEN is configured. */
  readonly exist: boolean;
  /** Returns whoever sends the request, or the answer to a request without a valid token. */
  judge(context: Context): Promise<Caller | Response>;
}

/**
 * Accepts the right token regardless of wrong ones from the same address. Behind a proxy that TRUSTED_PROXIES
 * lacks, all clients share one address, and a stranger must not lock the operator out.
 */
export function createBearers({ apiToken, trustedProxies, findToken = () => null }: Options): Bearers {
  const isToken = apiToken === null ? () => false : tokenCheck(apiToken);
  const addressOf = clientAddress(trustedProxies);
  const attempts = createAttempts(WRONG_ONES);
  return {
    exist: apiToken !== null,
    async judge({ req, env }) {
      const given = /^Bearer +(\S+)$/i.exec(req.header("authorization") ?? "")?.[1];
      if (given === undefined) return unauthorized();
      const caller = isToken(given) ? OPERATOR : findToken(given);
      if (caller !== null) return caller;
      const seconds = await attempts.take(addressOf((env as HttpBindings).incoming));
      return seconds === 0 ? unauthorized() : wrongTooOften(seconds);
    },
  };
}

/**
 * @returns whether the text is the token; the time taken does not depend on the token, not even on its length
 */
export function tokenCheck(token: string): (given: string) => boolean {
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
