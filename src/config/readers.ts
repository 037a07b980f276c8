import { parseList, repositoryMatcher } from "../base/patterns.js";
import { byRepositoryName, isPatternOfRepositories } from "../base/wikis.js";

/** The ways in which a reader can prove a right to read a mirror over HTTPS. */
export const READER_WAYS = ["github", "oidc", "token", "public"] as const;
export type ReaderWay = (typeof READER_WAYS)[number];

/** Who may read mirrors over HTTPS. */
export interface ReaderSettings {
  /** Empty: nobody. */
  readonly ways: readonly ReaderWay[];
  readonly oidc: {
    /** Without a trailing slash. */
    readonly issuer: string;
    /** Set whenever `ways` has oidc. */
    readonly audience: string | null;
    readonly owners: readonly OwnerRule[];
  };
}

/** The issuer of GitHub Actions: https://docs.github.com/en/actions/reference/security/oidc */
const ACTIONS_ISSUER = "https://token.actions.githubusercontent.com";

/** The variables, as they were parsed. */
interface Given {
  READERS?: readonly ReaderWay[] | undefined;
  OIDC_ISSUER?: string | undefined;
  OIDC_AUDIENCE?: string | undefined;
  OIDC_OWNERS?: readonly OwnerRule[] | undefined;
}

/** @param enterpriseUrl the URL of a GitHub Enterprise Server; null: github.com */
export function readerSettings(given: Given, enterpriseUrl: string | null): ReaderSettings {
  const usual = enterpriseUrl === null ? ACTIONS_ISSUER : `${enterpriseUrl}/_services/token`;
  return {
    ways: given.READERS ?? [],
    oidc: {
      issuer: given.OIDC_ISSUER ?? usual,
      audience: given.OIDC_AUDIENCE ?? null,
      owners: given.OIDC_OWNERS ?? [],
    },
  };
}

/** One entry of OIDC_OWNERS: `<id of an account>=<pattern>`. */
export interface OwnerRule {
  ownerId: string;
  pattern: string;
}

/** @returns null when an entry is invalid */
export function parseOwnerRules(text: string): OwnerRule[] | null {
  const rules = parseList(text).map((entry) => {
    const [, ownerId = "", pattern = ""] = /^([1-9]\d{0,14})=([^!].*)$/.exec(entry) ?? [];
    return isPatternOfRepositories(pattern) ? { ownerId, pattern } : null;
  });
  return rules.length > 0 && rules.every((rule) => rule !== null) ? rules : null;
}

/** @returns null when a way is not known */
export function parseReaders(text: string): ReaderWay[] | null {
  const given = parseList(text);
  const known = READER_WAYS.filter((way) => given.includes(way));
  return given.length > 0 && known.length === given.length ? known : null;
}

/** Compiles OIDC_OWNERS: whether workflows of an account may read `owner/name` besides their own repository. */
export function ownerMatcher(rules: readonly OwnerRule[]): (ownerId: string, fullName: string) => boolean {
  const compiled = rules.map(({ ownerId, pattern }) => ({
    ownerId,
    matches: byRepositoryName(repositoryMatcher([pattern])),
  }));
  return (ownerId, fullName) => compiled.some((rule) => rule.ownerId === ownerId && rule.matches(fullName));
}
