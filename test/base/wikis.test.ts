import { expect, test } from "vitest";
import { seesBy } from "../../src/base/access.js";
import { isRepositoryName } from "../../src/base/names.js";
import { isWiki, repositoryIdOf, repositoryNameOf, wikiIdOf, wikiNameOf } from "../../src/base/wikis.js";
import { parseChoice } from "../../src/config/choice.js";
import { ownerMatcher, parseOwnerRules } from "../../src/config/readers.js";

test("a wiki's id and name follow from its repository's, and lead back to them", () => {
  const app = { owner: "acme", name: "app" };
  expect(wikiIdOf(1_234)).toBe(1_000_000_001_234);
  expect([isWiki(1_234), isWiki(wikiIdOf(1_234))]).toEqual([false, true]);
  expect([repositoryIdOf(1_234), repositoryIdOf(wikiIdOf(1_234))]).toEqual([1_234, 1_234]);
  expect(wikiNameOf(app)).toEqual({ owner: "acme", name: "app.wiki" });
  for (const name of ["app", "app.wiki", "app.WIKI"])
    expect(repositoryNameOf({ owner: "acme", name }).name).toBe("app");
});

test("a repository with the longest name that GitHub allows may have a wiki", () => {
  expect(isRepositoryName("a".repeat(100))).toBe(true);
  expect(isRepositoryName(`${"a".repeat(100)}.wiki`)).toBe(true);
  expect(isRepositoryName("a".repeat(101))).toBe(false);
});

test("a rule on repositories that names a wiki is refused, since it would neither choose nor exclude the wiki", () => {
  for (const name of ["acme/app.wiki", "acme/*.Wiki"]) {
    expect(parseChoice(name)).toBe(null);
    expect(parseChoice(`acme/*,!${name}`)).toBe(null);
    expect(parseOwnerRules(`9=${name}`)).toBe(null);
  }
  expect(parseChoice("acme/wiki,property:home=app.wiki")).not.toBe(null);
});

test("rules on repositories apply to their wikis", () => {
  const rules = [
    parseChoice("acme/*,!acme/secret")!.byName,
    seesBy(["acme/*", "!acme/secret"]),
    (name: string) => ownerMatcher([{ ownerId: "9", pattern: "acme/app" }])("9", name),
  ];
  for (const isAllowed of rules)
    expect(["acme/app.wiki", "acme/secret.wiki", "globex/app.wiki"].map(isAllowed)).toEqual([
      true,
      false,
      false,
    ]);
});
