import type { RepositoryName } from "./model.js";

/** Lockstep's own refs inside a mirror are never taken from GitHub and never named by an operator. */
export const RESERVED_REFS = "refs/lockstep/";
/** The ref of a hold on all refs of a mirror. No ref can have this name (git-check-ref-format(1)). */
export const ALL_REFS = "refs/*";

/**
 * Whether GitHub could have given this name to an account.
 * A name has alphanumerics and hyphens, at most 39 characters; some old accounts have two hyphens in a row,
 * or one at the end.
 * A managed user's name ends in `_` and the enterprise's short code of 3 to 8 characters. A bot's `name[bot]`
 * owns no repository.
 * https://docs.github.com/en/enterprise-cloud@latest/admin/identity-and-access-management/iam-configuration-reference/username-considerations-for-external-authentication
 */
export function isOwner(text: string): boolean {
  return text.length <= 39 && /^[a-z\d][a-z\d-]*(_[a-z\d]{3,8})?$/i.test(text);
}

/**
 * Whether GitHub could have given this name to a repository. True means that the name is safe as one path
 * segment.
 */
export function isRepositoryName(text: string): boolean {
  // A wiki's name is longer than its repository's.
  return /^[\w.-]{1,100}(?:\.wiki)?$/i.test(text) && text !== "." && text !== ".." && !/\.git$/i.test(text);
}

/**
 * Whether this is a full ref name below `refs/`, by the rules of git-check-ref-format(1). A lone surrogate is
 * refused too: no sequence of bytes on disk encodes one.
 */
export function isRefName(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids exactly these
  const forbidden = /[\u0000- \u007f~^:?*[\\]|\.\.|@\{|\p{Surrogate}/u;
  if (!text.startsWith("refs/") || forbidden.test(text) || text.endsWith(".")) return false;
  return text.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
}

/**
 * One byte of a ref's name that is not part of UTF-8, as git quotes such a byte. Lockstep writes a ref's name, which
 * is bytes, in this form wherever the name is text: no name may contain a backslash.
 */
export const ESCAPED_BYTE = /\\[2-3][0-7]{2}/g;

/** Whether the name has bytes that are not UTF-8, which no argument and no variable of a program can carry. */
export const hasEscapedByte = (ref: string): boolean => ref.includes("\\");

/** Whether this is a full ref name as `isRefName` knows it, perhaps with bytes that are not UTF-8. */
export const isRefText = (text: string): boolean => isRefName(text.replace(ESCAPED_BYTE, "x"));

/** Whether this is a full object name, in SHA-1 or SHA-256, as git and GitHub write it. */
export function isSha(text: string): boolean {
  return /^([\da-f]{40}|[\da-f]{64})$/.test(text);
}

/** A repository as GitHub names it: `owner/name`. */
export const fullName = ({ owner, name }: RepositoryName): string => `${owner}/${name}`;

/** The name of a repository in a log line: its full name, or its id when the repository is not known. */
export const fullNameOrId = (repository: RepositoryName | null, id: number): string =>
  repository ? fullName(repository) : `repository ${id}`;
