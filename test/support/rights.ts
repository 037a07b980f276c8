import { generateKeyPairSync } from "node:crypto";
import { exportJWK, type JWTPayload, SignJWT } from "jose";
import type { Caller } from "../../src/base/access.js";
import { RefreshError } from "../../src/base/errors.js";
import type { RepositoryName } from "../../src/base/model.js";
import { fullName } from "../../src/base/names.js";
import { allowList } from "../../src/base/patterns.js";
import type { ReadAnswer } from "../../src/git/transport/readers.js";
import { createRights } from "../../src/serve/rights/judge.js";
import { createOidcVerifier } from "../../src/serve/rights/oidc.js";
import type { Way } from "../../src/serve/rights.js";

export const ISSUER = "https://token.actions.githubusercontent.com";
export const AUDIENCE = "https://mirror.example.com";
const MINUTE = 60_000;

/** The issuer's keys; making them takes time. */
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

export const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
export const withToken = (token: string): string => basic(`x-access-token:${token}`);

interface Options {
  readers?: readonly Way[];
  /** Entries of OIDC_OWNERS, as an account's id and the names that its workflows may read. */
  owners?: Record<string, string[]>;
}

/**
 * A GitHub with repositories and tokens, a registry that believes what it was last told, and Lockstep's judge between
 * them. Time stands still unless a test moves it.
 */
export function rightsWorld({ readers = ["github", "oidc", "token", "public"], owners = {} }: Options = {}) {
  /** What is true at GitHub: who has which name, who may read it. */
  const github = {
    repositories: new Map<string, { id: number; isPrivate: boolean; readers: Set<string> }>(),
    tokens: new Set<string>(),
    down: false,
    restDown: false,
    answer: null as ReadAnswer | null,
    /** Called before each answer to a question of rights. */
    before: async () => {},
  };
  /** What Lockstep believes: owner/name by id. */
  const registry = new Map<number, RepositoryName>();
  const local = new Map<string, Caller & { valid: boolean }>();
  const log = {
    asked: [] as string[],
    confirmed: [] as number[],
    doubted: [] as number[],
    paused: [] as number[],
  };
  const clock = { ms: 0 };
  const split = (name: string): RepositoryName => {
    const [owner = "", rest = ""] = name.split("/");
    return { owner, name: rest };
  };
  const served = (id: number) => {
    const name = registry.get(id);
    return name ? { ...name, id, installationId: 1 } : null;
  };

  const ports = {
    find: (name: RepositoryName) => {
      const wanted = fullName(name).toLowerCase();
      const found = [...registry].find(([, known]) => fullName(known).toLowerCase() === wanted);
      return found ? served(found[0]) : null;
    },
    get: served,
    async mayRead(name: RepositoryName, authorization: string | null): Promise<ReadAnswer> {
      log.asked.push(`${fullName(name)} ${authorization ?? "anyone"}`);
      await github.before();
      if (github.answer) return github.answer;
      if (github.down) return { kind: "unavailable", retryAfterMs: 7_000 };
      const repository = github.repositories.get(fullName(name).toLowerCase());
      const text = Buffer.from(authorization?.split(" ")[1] ?? "", "base64").toString();
      const token = text.slice(text.indexOf(":") + 1);
      if (authorization !== null && !github.tokens.has(token)) return { kind: "unauthorized" };
      if (repository && (!repository.isPrivate || repository.readers.has(token))) return { kind: "yes" };
      return { kind: authorization === null ? "unauthorized" : "no" };
    },
    async nameOf(_: number, id: number): Promise<RepositoryName | null> {
      log.confirmed.push(id);
      if (github.restDown) throw new RefreshError("rate_limited", "no", { retryAfterMs: 9_000 });
      const found = [...github.repositories].find(([, repository]) => repository.id === id);
      return found ? split(found[0]) : null;
    },
    findToken: (secret: string) => {
      const token = local.get(secret);
      return token?.valid ? token : null;
    },
    doubt: ({ id }: { id: number }) => void log.doubted.push(id),
    clock: () => clock.ms,
    async pause(ms: number) {
      log.paused.push(ms);
      clock.ms += ms;
    },
  };

  const issuer = { documents: 0, down: false, now: Date.now() };
  const verifier = createOidcVerifier(
    { issuer: ISSUER, audience: AUDIENCE },
    {
      async document() {
        issuer.documents += 1;
        if (issuer.down) throw new Error("down");
        return JSON.stringify({
          keys: [{ ...(await exportJWK(keys.publicKey)), kid: "one", use: "sig", alg: "RS256" }],
        });
      },
      latestNow: () => issuer.now,
    },
  );
  const allows = (ownerId: string, name: string) => allowList(owners[ownerId] ?? []).allows(name);
  const rights = createRights({ readers, oidc: { issuer: ISSUER, allows } }, ports, verifier);

  return {
    github,
    registry,
    log,
    clock,
    issuer,
    keys,
    rights,
    /** Makes a repository at GitHub that Lockstep mirrors, unless `mirrored` is false. */
    add(name: string, id: number, { isPrivate = true, readers: who = [] as string[], mirrored = true } = {}) {
      github.repositories.set(name.toLowerCase(), { id, isPrivate, readers: new Set(who) });
      for (const token of who) github.tokens.add(token);
      if (mirrored) registry.set(id, split(name));
    },
    addToken(
      secret: string,
      { scopes = ["git"] as Caller["scopes"], patterns = null as string[] | null } = {},
    ) {
      const token = {
        name: `name-of-${local.size}`,
        scopes,
        isOperator: false,
        sees: patterns && allowList(patterns).allows,
        valid: true,
        isValid: () => token.valid,
      };
      local.set(secret, token);
      return token;
    },
    ask: (name: string, authorization: string | null = null, address = "192.0.2.1") =>
      rights.judge({ ...split(name), authorization, address }),
    /** A token of GitHub Actions. @param more claims that replace the usual ones; undefined leaves one out */
    actions(
      repositoryId: number,
      more: JWTPayload = {},
      key: Parameters<SignJWT["sign"]>[0] = keys.privateKey,
    ) {
      const now = Math.floor(issuer.now / 1_000);
      const claims = {
        iss: ISSUER,
        aud: AUDIENCE,
        iat: now,
        exp: now + 300,
        repository_id: String(repositoryId),
        repository_owner_id: "99",
        repository: "acme/app",
        sub: "repo:acme/app:ref:refs/heads/main",
        ...more,
      };
      return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key);
    },
    later: (ms = 6 * MINUTE) => {
      clock.ms += ms;
    },
  };
}
