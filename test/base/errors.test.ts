import { expect, test } from "vitest";
import { codesWith, ERROR_CODES, hasTrait, type Trait } from "../../src/base/error-codes.js";
import { explained, RefreshError } from "../../src/base/errors.js";

/** Each trait holds for these codes and no others. */
const CODES_WITH: Record<Trait, string[]> = {
  postponed: ["not_yet", "cancelled", "paused", "put_back"],
  concernsAccess: ["forbidden", "unauthorized", "not_found", "suspended"],
  notVisible: ["not_found", "moved", "forbidden"],
  concernsEveryRefresh: ["disk_full", "no_git"],
  concernsEveryCall: ["rate_limited", "unreachable", "tls", "unauthorized"],
  serverIsSilent: ["unreachable", "upstream_error", "timeout"],
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
