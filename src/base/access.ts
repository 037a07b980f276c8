import { allowList } from "./patterns.js";
import { byRepositoryName } from "./wikis.js";

/**
 * What a token may be used for.
 * - git: reading mirrors over HTTPS.
 * - read: the API's reads, and waiting for a commit.
 * - operate: refresh, pause, resume, allow, restore and the confirmation of a removal.
 */
export const TOKEN_SCOPES = ["git", "read", "operate"] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Every token that Lockstep makes begins like this, so that nobody takes it for another's. */
export const TOKEN_PREFIX = "lockstep_";

/** The name under which the value of API_TOKEN acts. No token can be called like this. */
export const API_TOKEN_NAME = "API_TOKEN";

/** Whether a token can be called like this. */
export const isTokenName = (text: string): boolean => /^[a-z\d][a-z\d.-]{0,62}$/i.test(text);

/** Whether somebody may know of `owner/name`. A token keeps its function for as long as it exists. */
export interface Sees {
  (fullName: string): boolean;
  /** What a token was limited to; undefined: the function alone says it. */
  readonly patterns?: readonly string[];
}

/** Whoever sends a request with a valid token. */
export interface Caller {
  /** The token's name. */
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** Whether the caller has API_TOKEN itself, which may do everything and alone makes tokens. */
  readonly isOperator: boolean;
  /** Whether the caller may know of `owner/name`; null: of every repository, and of the whole. */
  readonly sees: Sees | null;
  /** Whether the token is still valid: a revoked one ends what is under way. */
  isValid(): boolean;
}

/** Compiles the patterns that a token is limited to. Whoever may know of a repository may know of its wiki. */
export const seesBy = (patterns: readonly string[]): Sees =>
  Object.assign(byRepositoryName(allowList(patterns).allows), { patterns });

/** The caller that has the value of API_TOKEN. */
export const OPERATOR: Caller = {
  name: API_TOKEN_NAME,
  scopes: TOKEN_SCOPES,
  isOperator: true,
  sees: null,
  isValid: () => true,
};

/** Whether the caller may see what is about every repository, such as metrics. */
export const mayReadWhole = ({ scopes, sees }: Caller): boolean => scopes.includes("read") && sees === null;
