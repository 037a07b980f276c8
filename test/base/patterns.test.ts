import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRefName, isRepositoryName } from "../../src/base/names.js";
import { isRefPattern, isRepositoryPattern, parseList, repositoryMatcher } from "../../src/base/patterns.js";

it("lists are split at commas; spaces, empty and repeated entries do not count", () => {
  expect(parseList(" a , b,,a ,")).toEqual(["a", "b"]);
});

describe("REPOSITORIES", () => {
  it.each([
    ["", "acme/site", true],
    ["acme/*", "acme/site", true],
    ["acme/*", "ACME/Site", true],
    ["ACME/*", "acme/.github", true],
    ["acme/*", "acme2/site", false],
    ["acme/*", "other/acme", false],
    ["acme/site", "acme/site2", false],
    ["*/docs", "other/docs", true],
    ["acme/*,!acme/secret-*", "acme/secret-plans", false],
    ["acme/*,!acme/secret-*", "acme/open", true],
    ["!acme/secret-*,acme/*", "acme/secret-plans", false],
    ["!acme/secret-*", "acme/secret-plans", false],
    ["!acme/Secret-*", "acme/secret-plans", false],
    ["!acme/secret-*", "other/anything", true],
    ["acme/v?", "acme/v1", true],
    ["acme/[ab]*", "acme/cat", false],
    ["acme/a.b", "acme/axb", false],
  ])("%s: %s → %s", (list, name, isIn) => expect(repositoryMatcher(parseList(list))(name)).toBe(isIn));

  it.each(["acme/*", "!acme/x", "*/*", "a_b/c.d-[x]?"])("takes %s", (text) =>
    expect(isRepositoryPattern(text)).toBe(true),
  );
  it.each(["acme", "!acme", "a/b/c", "/a", "a/", "!!a/b", "{a,b}/c", "a b/c", "!(a)/b", "./a", "*.b/c", ""])(
    "refuses %s",
    (text) => expect(isRepositoryPattern(text)).toBe(false),
  );

  const owner = fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/);
  const name = fc.stringMatching(/^[a-zA-Z0-9._-]{1,8}$/).filter(isRepositoryName);
  const fullName = fc.tuple(owner, name).map((parts) => parts.join("/"));
  const flipped = (text: string) =>
    [...text].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join("");

  it("a plain name matches itself in any case, and nothing else", () => {
    fc.assert(
      fc.property(fullName, fullName, (name, other) => {
        const matches = repositoryMatcher([name]);
        expect(matches(name) && matches(flipped(name))).toBe(true);
        expect(matches(other)).toBe(other.toLowerCase() === name.toLowerCase());
      }),
    );
  });

  it("what is left out is out, whatever else is named and in whatever order", () => {
    const others = fc.array(fc.oneof(fullName, fc.constantFrom("*/*", "!x/y")));
    fc.assert(
      fc.property(fullName, others, others, (name, before, after) => {
        expect(repositoryMatcher([...before, `!${name}`, ...after])(name)).toBe(false);
      }),
    );
  });
});

describe("REFSPECS", () => {
  it.each([
    "refs/heads/*",
    "refs/tags/*",
    "refs/heads/main",
    "refs/heads/release-*",
    "refs/pull/*/head",
    "refs/*",
  ])("takes %s", (text) => expect(isRefPattern(text)).toBe(true));
  it.each([
    ...[
      "heads/*",
      "main",
      "*",
      "refs/heads/*/*",
      "refs/heads/a*b",
      "refs/heads/**",
      "+refs/heads/*",
      "^refs/heads/x",
    ],
    ...[
      "refs/heads/*:refs/heads/*",
      "refs/heads/",
      "refs/lockstep/*",
      "refs/lockstep/kept/x",
      "refs/lockstep",
      "",
    ],
  ])("refuses %s", (text) => expect(isRefPattern(text)).toBe(false));

  it("what is taken is a ref name once its * is filled in", () => {
    const text = fc.string({ unit: fc.constantFrom(..."refs/*a.:+"), maxLength: 10 });
    fc.assert(
      fc.property(text, (tail) => {
        const pattern = `refs/${tail}`;
        if (isRefPattern(pattern)) expect(isRefName(pattern.replace("*", "filled"))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
