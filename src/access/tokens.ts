import { createHash, randomBytes } from "node:crypto";
import {
  type Caller,
  type Sees,
  seesBy,
  TOKEN_PREFIX,
  TOKEN_SCOPES,
  type TokenScope,
} from "../base/access.js";
import { createSignal, type Subscribe } from "../base/signal.js";
import type { Row, Store, Tables } from "../store/database.js";

export const TOKEN_TABLES: Tables = {
  module: "tokens",
  steps: [
    `CREATE TABLE tokens (
       hash TEXT PRIMARY KEY,
       name TEXT NOT NULL UNIQUE COLLATE NOCASE,
       scopes TEXT NOT NULL,
       repositories TEXT,
       created_at INTEGER NOT NULL,
       expires_at INTEGER NOT NULL,
       last_used_at INTEGER
     ) WITHOUT ROWID`,
  ],
};

/** The number of tokens that may exist, expired ones included. */
export const MAX_TOKENS = 1_000;
/** The last use of a token is written at most this often, because each write is synced to the disk. */
const USE_PACE_MS = 60_000;
const SECRET_BYTES = 32;

/** What is known of a token. Times are in milliseconds since 1970. */
export interface Token {
  name: string;
  scopes: TokenScope[];
  /** Patterns of `owner/name`, some perhaps with a leading `!`; null: every repository. */
  repositories: string[] | null;
  createdAt: number;
  expiresAt: number;
  /** Exact to a minute; null: never. */
  lastUsedAt: number | null;
}

export type WantedToken = Pick<Token, "name" | "scopes" | "repositories" | "expiresAt">;

/** A token as it is stored, with the hash of its secret. */
export type StoredToken = Omit<Token, "lastUsedAt"> & { hash: string };

/** Tokens that an operator makes. Only their hashes are stored. */
export interface AccessTokens {
  /**
   * Makes a token. The secret is returned this once.
   * @returns `taken`: another token has the name; `too many`: MAX_TOKENS exist
   */
  add(wanted: WantedToken): { token: Token; secret: string } | "taken" | "too many";
  /** Returns all tokens by name. */
  all(): Token[];
  /** Deletes a token, which is refused from now on. @returns whether there was one */
  revoke(name: string): boolean;
  /** Returns whoever has the secret; null: no token has it, or the token has expired. */
  find(secret: string): Caller | null;
  /** Returns all tokens as they are stored. */
  stored(): StoredToken[];
  /** Stores a token that another node has, in place of any of that name; null: it was revoked. */
  put(name: string, token: StoredToken | null): void;
  /** Reports, within the transaction, that a token was made here, or revoked. */
  onChanged: Subscribe<[name: string, token: StoredToken | null]>;
}

interface Clocks {
  now(): number;
  /** The time that a token expires by: a clock that is set back must not make it valid again. */
  latestNow(): number;
}

/** A secret has 256 random bits, so that its plain hash can neither be reversed nor guessed. */
const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export function createAccessTokens(store: Store, { now, latestNow }: Clocks): AccessTokens {
  const sql = prepare(store);
  const compiled = new Map<string, Sees>();
  const changed = createSignal<[name: string, token: StoredToken | null]>();
  const isLive = (row: Row) => Number(row.expires_at) > latestNow();

  function noteUse(hash: string, lastUsedAt: unknown): void {
    const at = now();
    if (lastUsedAt !== null && Math.abs(at - Number(lastUsedAt)) < USE_PACE_MS) return;
    try {
      sql.used.run(at, hash);
    } catch {
      // A full disk must not refuse a reader.
    }
  }

  /** Patterns are compiled once: that takes longer than all else about a request. */
  function seesOf(hash: string, repositories: string[]): Sees {
    const sees = compiled.get(hash) ?? seesBy(repositories);
    compiled.set(hash, sees);
    return sees;
  }

  return {
    add: (wanted) =>
      store.transaction(() => {
        if (sql.named.get(wanted.name)) return "taken";
        if (Number(sql.count.get()?.n) >= MAX_TOKENS) return "too many";
        const secret = TOKEN_PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
        const { name, scopes, repositories, expiresAt } = wanted;
        const patterns = repositories && JSON.stringify(repositories);
        sql.add.run(hashOf(secret), name, JSON.stringify(scopes), patterns, now(), expiresAt);
        const row = sql.named.get(name)!;
        changed.emit(name, readStored(row));
        return { token: read(row), secret };
      }),
    all: () => sql.all.all().map(read),
    revoke(name) {
      const row = sql.named.get(name);
      if (!row) return false;
      compiled.delete(String(row.hash));
      store.transaction(() => {
        sql.revoke.run(name);
        changed.emit(String(row.name), null);
      });
      return true;
    },
    stored: () => sql.all.all().map(readStored),
    put: (name, token) =>
      store.transaction(() => {
        const row = sql.named.get(name);
        if (row) compiled.delete(String(row.hash));
        sql.revoke.run(name);
        if (token === null) return;
        const { hash, scopes, repositories, createdAt, expiresAt } = token;
        const patterns = repositories && JSON.stringify(repositories);
        sql.add.run(hash, name, JSON.stringify(scopes), patterns, createdAt, expiresAt);
      }),
    onChanged: changed.on,
    find(secret) {
      if (!secret.startsWith(TOKEN_PREFIX)) return null;
      const hash = hashOf(secret);
      const row = sql.get.get(hash);
      if (!row || !isLive(row)) return null;
      noteUse(hash, row.last_used_at);
      const { name, scopes, repositories } = read(row);
      return {
        name,
        scopes,
        isOperator: false,
        sees: repositories && seesOf(hash, repositories),
        isValid() {
          const current = sql.get.get(hash);
          return current !== undefined && isLive(current);
        },
      };
    },
  };
}

function prepare(store: Store) {
  return {
    add: store.prepare(
      "INSERT INTO tokens (hash, name, scopes, repositories, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    named: store.prepare("SELECT * FROM tokens WHERE name = ?"),
    count: store.prepare("SELECT count(*) AS n FROM tokens"),
    all: store.prepare("SELECT * FROM tokens ORDER BY name"),
    revoke: store.prepare("DELETE FROM tokens WHERE name = ?"),
    get: store.prepare("SELECT * FROM tokens WHERE hash = ?"),
    used: store.prepare("UPDATE tokens SET last_used_at = ? WHERE hash = ?"),
  };
}

function readStored(row: Row): StoredToken {
  const { lastUsedAt: _, ...token } = read(row);
  return { ...token, hash: String(row.hash) };
}

function read(row: Row): Token {
  const stored = JSON.parse(String(row.scopes)) as string[];
  return {
    name: String(row.name),
    scopes: TOKEN_SCOPES.filter((scope) => stored.includes(scope)),
    repositories: row.repositories === null ? null : (JSON.parse(String(row.repositories)) as string[]),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    lastUsedAt: row.last_used_at === null ? null : Number(row.last_used_at),
  };
}
