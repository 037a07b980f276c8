import { isAbsolute, normalize } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOwner, isRefName, isRepositoryName, isSha } from "../../src/base/names.js";

describe("owners", () => {
  it.each(["a", "octo-cat", "Codertocat", "a1-b2-c3", "mona_acme", "octo-cat_acme12", "x".repeat(39)])(
    "takes %s",
    (text) => expect(isOwner(text)).toBe(true),
  );

  it.each([
    ...["", "-a", "a.b", "a/b", "..", "a b", "a\n", "é", "dependabot[bot]"],
    ...["_acme", "mona_", "mona_ab", "mona_toolong123", "mona_a-b", "a_bcd_efg", "x".repeat(40)],
  ])("refuses %j", (text) => expect(isOwner(text)).toBe(false));
});

describe("repository names", () => {
  it.each(["a", ".github", "hello.world", "-", "_", "...", "Hello-World_2", "git", "x".repeat(100)])(
    "takes %s",
    (text) => expect(isRepositoryName(text)).toBe(true),
  );

  it.each(["", ".", "..", "a/b", "a b", "a\n", "a\0", "é", "a.git", "A.GIT", ".git", "x".repeat(101)])(
    "refuses %j",
    (text) => expect(isRepositoryName(text)).toBe(false),
  );
});

it("a name that is taken is one plain path segment", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab./\\-_ \0\n~"), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(text, text, (owner, name) => {
      if (!isOwner(owner) || !isRepositoryName(name)) return;
      const path = `${owner}/${name}`;
      expect(normalize(path)).toBe(path);
      expect(isAbsolute(path) || path.split("/").length !== 2).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

describe("ref names", () => {
  it.each([
    "refs/heads/main",
    "refs/tags/v1.0",
    "refs/heads/a/b",
    "refs/heads/ä-ö",
    "refs/x",
    "refs/heads/@",
    "refs/heads/-x",
  ])("takes %s", (text) => expect(isRefName(text)).toBe(true));

  it.each([
    ...["", "main", "HEAD", "refs", "refs/", "refs/heads/", "/refs/heads/a", "refs//a", "refs/heads/a..b"],
    ...[
      "refs/heads/.a",
      "refs/heads/a.lock",
      "refs/a.lock/b",
      "refs/heads/a.",
      "refs/heads/a b",
      "refs/heads/a@{1}",
    ],
    ...[
      "refs/heads/a\\b",
      "refs/heads/a\n",
      "refs/heads/a\x7f",
      "refs/heads/*",
      "refs/../a",
      "refs/heads/\ud800",
    ],
  ])("refuses %j", (text) => expect(isRefName(text)).toBe(false));
});

it("object names are 40 or 64 hexadecimal digits", () => {
  for (const length of [40, 64]) expect(isSha("0a".repeat(length / 2))).toBe(true);
  for (const text of [
    "",
    "a".repeat(39),
    "a".repeat(41),
    "A".repeat(40),
    "g".repeat(40),
    `${"a".repeat(40)}\n`,
  ]) {
    expect(isSha(text), text).toBe(false);
  }
});
