import { expect, test } from "vitest";
import { codesWith, ERROR_CODES, hasTrait, type Trait } from "../../src/base/error-codes.js";
import { asRefreshError, explained, RefreshError } from "../../src/base/errors.js";

/** Each trait holds for these codes and no others. */
const CODES_WITH: Record<Trait, string[]> = {
  postponed: ["not_yet", "cancelled", "paused", "put_back"],
  concernsAccess: ["forbidden", "unauthorized", "not_found", "suspended"],
  notVisible: ["not_found", "moved", "forbidden"],
  concernsEveryRefresh: ["disk_full", "no_git", "out_of_resources", "database_damaged"],
  concernsEveryCall: ["rate_limited", "unreachable", "tls", "unauthorized"],
  serverIsSilent: ["unreachable", "upstream_error", "timeout"],
  endsWithRoom: ["disk_full", "disk_low"],
  isAnswer: ["not_yet", "ref_missing"],
  doubtsMirror: ["tip_moved", "locked", "corrupt", "timeout", "git"],
  passesOnceCleared: ["locked", "corrupt"],
  outsideTheTree: [
    "submodule_missing",
    "tree_too_large",
    "lfs_missing",
    "lfs_unsound",
    "unreachable",
    "upstream_error",
    "timeout",
    "disk_full",
    "out_of_resources",
    "database_damaged",
  ],
};

test.each(Object.entries(CODES_WITH))("the codes with the trait %s are known", (trait, codes) => {
  expect(codesWith(trait as Trait).sort()).toEqual([...codes].sort());
});

test("a failure has the traits of its code", () => {
  const failure = new RefreshError("not_found", "no such repository");
  expect(failure.is("notVisible")).toBe(true);
  expect(failure.is("isAnswer")).toBe(false);
});

test("a code of another version, or none, has no trait", () => {
  for (const code of ["", "constructor", "of_another_version"])
    for (const trait of Object.keys(CODES_WITH) as Trait[]) expect(hasTrait(code, trait), code).toBe(false);
});

test("every code says what a person can do, in a sentence", () => {
  for (const code of ERROR_CODES) expect(new RefreshError(code, "").hint, code).toMatch(/^\S.+\.$/);
});

test("a failure that is explained keeps what GitHub said on when to come back", () => {
  const cause = new RefreshError("rate_limited", "slow down", { retryAfterMs: 7_000 });
  const failure = explained(cause, "octo/app");
  expect(failure.retry).toEqual({ kind: "after", ms: 7_000 });
  expect(failure.message).toBe("octo/app: slow down");
  expect(explained(new RefreshError("git", "odd"), "octo/app", { code: "lfs_missing" }).retry).toEqual({
    kind: "backoff",
  });
});

test.each([
  ["disk_full", { code: "ENOSPC", syscall: "write" }],
  ["disk_full", { code: "ENOSPC", syscall: "open", path: "/data/x" }],
  ["disk_full", { code: "EDQUOT", syscall: "write" }],
  ["disk_full", { code: "SQLITE_FULL" }],
  ["database_damaged", { code: "SQLITE_CORRUPT" }],
  ["database_damaged", { code: "SQLITE_NOTADB" }],
  ["permission", { code: "EROFS", syscall: "fsync" }],
  ["permission", { code: "SQLITE_READONLY_DBMOVED" }],
  ["permission", { code: "EACCES", syscall: "open", path: "/data/x" }],
  ["internal", { code: "EACCES", syscall: "spawn git", path: "git" }],
  ["out_of_resources", { code: "EMFILE", syscall: "open", path: "/srv/lockstep/lockstep.db" }],
  ["out_of_resources", { code: "EAGAIN", syscall: "spawn git" }],
  ["unreachable", { code: "ECONNRESET", syscall: "read" }],
  ["unreachable", { code: "UND_ERR_SOCKET" }],
  ["unreachable", { code: "UND_ERR_BODY_TIMEOUT" }],
  ["unreachable", { code: "ERR_STREAM_PREMATURE_CLOSE" }],
  ["internal", { code: "UND_ERR_INVALID_ARG" }],
  ["internal", { code: "ENOENT", syscall: "open", path: "/data/x" }],
] as const)("the code of a failure is %s after %j, alone or as a cause", (code, fields) => {
  const thrown = Object.assign(new Error("it failed"), fields);
  expect(asRefreshError(thrown)).toMatchObject({ code, cause: thrown });
  const wrapped = new TypeError("terminated", { cause: thrown });
  expect(asRefreshError(wrapped)).toMatchObject({ code, message: `terminated (${fields.code})` });
});
