import { z } from "zod";
import { isTokenName, TOKEN_SCOPES } from "../base/access.js";
import { parseDuration } from "../base/units.js";
import { isPatternOfRepositories } from "../base/wikis.js";
import { noteDetail } from "./audit.js";
import { readBody, tooLarge } from "./body.js";
import { limitBody } from "./body-limit.js";
import { conflict, notFound } from "./lookup.js";
import { problem } from "./problem.js";
import type { Route, Routes } from "./routes.js";
import { Time } from "./view.js";

const MAX_BODY = 64 * 1024;
const DAY_MS = 86_400_000;
const MAX_LIFE_MS = 3_650 * DAY_MS;
const MAX_PATTERNS = 100;

/** A token, without its secret. */
export const Token = z
  .object({
    name: z.string(),
    scopes: z.array(z.enum(TOKEN_SCOPES)),
    repositories: z
      .array(z.string())
      .nullable()
      .meta({ description: "patterns of owner/name; null: every repository" }),
    createdAt: Time,
    expiresAt: Time,
    lastUsedAt: Time.nullable().meta({ description: "exact to a minute" }),
    expired: z.boolean(),
  })
  .meta({ id: "Token" });
export type TokenView = z.infer<typeof Token>;

const Life = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0 && ms <= MAX_LIFE_MS) return ms;
  context.addIssue("is not a duration of at most 3650d");
  return z.NEVER;
});

const NOT_A_PATTERN = "is not a pattern of owner/name, where a wiki has its repository's name";

const Wanted = z.strictObject({
  name: z.string().refine(isTokenName, "must have letters, digits, points and hyphens, at most 63"),
  scopes: z.array(z.enum(TOKEN_SCOPES)).min(1),
  repositories: z
    .array(z.string().max(200).refine(isPatternOfRepositories, NOT_A_PATTERN))
    .min(1)
    .max(MAX_PATTERNS)
    .refine((all) => all.some((one) => !one.startsWith("!")), "needs a pattern without !")
    .nullable()
    .optional(),
  expires: Life.optional().meta({
    type: "string",
    description: "how long the token is valid, at most 3650d; 90d if absent",
    example: "90d",
  }),
});

export interface NewToken {
  name: string;
  scopes: TokenView["scopes"];
  repositories: string[] | null;
  /** Milliseconds. */
  lifeMs: number;
}

export interface TokenPorts {
  /** @returns the token and its secret, or why there is none */
  add(wanted: NewToken): { token: TokenView; secret: string } | "taken" | "too many";
  all(): TokenView[];
  /** @returns whether there was such a token */
  revoke(name: string): boolean;
}

const ADD: Route = {
  method: "post",
  path: "/api/v1/tokens",
  action: "tokens add",
  summary: "Make a token; the answer is the only one that has it",
  needs: "API_TOKEN",
  body: Wanted,
  answers: { 201: z.object({ token: Token, secret: z.string() }) },
  problems: [400, 409, 413],
};
const LIST: Route = {
  method: "get",
  path: "/api/v1/tokens",
  summary: "Tokens by name, without their secrets",
  needs: "API_TOKEN",
  answers: { 200: z.object({ tokens: z.array(Token) }) },
};
const REVOKE: Route = {
  method: "post",
  path: "/api/v1/tokens/{name}/revoke",
  action: "tokens revoke",
  summary: "Revoke a token; it is refused from now on",
  needs: "API_TOKEN",
  answers: { 200: z.object({ revoked: z.literal(true), name: z.string() }) },
  problems: [404],
};

/** Makes, lists and revokes tokens. A token can do none of it, so that no stolen one makes another. */
export function addTokenRoutes(routes: Routes, ports: TokenPorts): void {
  const limit = limitBody({ maxBytes: MAX_BODY, onTooLarge: () => problem(tooLarge(MAX_BODY)) });

  routes.add(ADD, limit, async (context) => {
    const sent = await readBody(context, Wanted, '{"name": "ci", "scopes": ["git"], "expires": "90d"}');
    if (sent instanceof Response) return sent;
    const { name, scopes, repositories = null, expires = 90 * DAY_MS } = sent;
    noteDetail(context, [name, scopes.join(","), repositories?.join(",") ?? "every repository"].join(" "));
    const made = ports.add({ name, scopes, repositories, lifeMs: expires });
    if (made === "taken")
      return conflict("name_taken", `a token is called ${name} already`, "revoke it, or choose another name");
    if (made === "too many")
      return conflict("too_many_tokens", "there are too many tokens", "revoke those that nobody needs");
    return context.json(made, 201);
  });
  routes.add(LIST, (context) => context.json({ tokens: ports.all() }));
  routes.add(REVOKE, (context) => {
    const name = context.req.param("name") ?? "";
    return ports.revoke(name)
      ? context.json({ revoked: true, name })
      : notFound("no token has this name", "list them with `lockstep tokens list`, or GET /api/v1/tokens");
  });
}
