import fc from "fast-check";
import { expect, test } from "vitest";
import { describeWrongEntries, parseCheckouts } from "../../src/config/checkouts.js";

const WHOLE = { paths: [], submodules: "no", lfs: false, depth: null, filter: null };
const of = (text: string, name: string) => parseCheckouts(text)!(name);

test("a pattern alone asks for the default branch", () => {
  expect(of("acme/*", "acme/app")).toEqual([{ ref: null, slug: "", ...WHOLE }]);
  expect(of("acme/*", "other/app")).toEqual([]);
});

test("refs of one repository, by branch name or in full, each with a link of its own", () => {
  const text = "acme/app,acme/app@release/1,acme/app@refs/tags/v1";
  expect(of(text, "acme/app")).toEqual([
    { ref: null, slug: "", ...WHOLE },
    { ref: "refs/heads/release/1", slug: "@release%2F1", ...WHOLE },
    { ref: "refs/tags/v1", slug: "@refs%2Ftags%2Fv1", ...WHOLE },
  ]);
});

test("a later entry takes the place of an earlier one for the same ref, and ! takes out", () => {
  const text = "acme/*,!acme/secret,acme/app?paths=docs/:src%3Aa";
  expect(of(text, "acme/app")).toEqual([{ ref: null, slug: "", ...WHOLE, paths: ["docs", "src:a"] }]);
  expect(of(text, "acme/other")).toEqual([{ ref: null, slug: "", ...WHOLE }]);
  expect(of(text, "acme/secret")).toEqual([]);
});

test("options for what is published in addition to a commit's own files", () => {
  expect(of("acme/app?submodules=yes", "acme/app")).toEqual([
    { ref: null, slug: "", ...WHOLE, submodules: "yes" },
  ]);
  expect(of("acme/app@v1?submodules=recursive&paths=docs&lfs=yes", "acme/app")).toEqual([
    { ...WHOLE, ref: "refs/heads/v1", slug: "@v1", paths: ["docs"], submodules: "recursive", lfs: true },
  ]);
  expect(of("acme/app?depth=50", "acme/app")).toEqual([{ ref: null, slug: "", ...WHOLE, depth: 50 }]);
  expect({ ...parseCheckouts("acme/app?depth=50") }).toEqual({ hasDepth: true, narrows: true });
  expect({ ...parseCheckouts("acme/app,!acme/x") }).toEqual({ hasDepth: false, narrows: false });
  expect(of("acme/app?filter=blob:none&paths=a:b", "acme/app")).toEqual([
    { ref: null, slug: "", ...WHOLE, filter: "blob:none", paths: ["a", "b"] },
  ]);
  expect({ ...parseCheckouts("acme/app?filter=blob:none") }).toEqual({ hasDepth: false, narrows: true });
});

test.each([
  ["nothing", ""],
  ["half a yes", "acme/app?lfs=on"],
  ["an option twice", "acme/app?submodules=yes&submodules=no"],
  ["a value that there is not", "acme/app?submodules=1"],
  ["no pattern", "@main"],
  ["a ref that cannot be", "acme/app@a..b"],
  ["a ref of Lockstep's own", "acme/app@refs/lockstep/kept/1"],
  ["an option that there is not", "acme/app?depth-of-water=1"],
  ["no commit at all", "acme/app?depth=0"],
  ["a depth that is not a number", "acme/app?depth=all"],
  ["another filter of git's", "acme/app?filter=tree:0"],
  ["a path that leaves the tree", "acme/app?paths=../x"],
  ["an absolute path", "acme/app?paths=/etc"],
  ["git's own directory", "acme/app?paths=a/.git/hooks"],
  ["half an escape", "acme/app?paths=%4"],
  ["a ref taken out", "!acme/app@main"],
])("%s is refused", (_, text) => {
  expect(parseCheckouts(text)).toBeNull();
});

test("a ref of any length and in any script is accepted", () => {
  const [wanted] = of(`acme/app@${"\u672c".repeat(19)}`, "acme/app");
  expect(wanted).toMatchObject({
    ref: `refs/heads/${"\u672c".repeat(19)}`,
    slug: `@${"%E6%9C%AC".repeat(19)}`,
  });
  expect(of(`acme/app@${"x".repeat(250)}`, "acme/app")).toHaveLength(1);
});

test.each([
  ["acme/app,@main", 'the entry "@main" has no valid pattern'],
  ["acme/app@a..b,acme/*", 'the entry "acme/app@a..b" has no valid ref'],
  ["acme/*,acme/app@refs/lockstep/kept/1", 'the entry "acme/app@refs/lockstep/kept/1" has no valid ref'],
  ["acme/app?lfs=yes,acme/app?lfs=on", 'the entry "acme/app?lfs=on" has no valid options'],
  [
    "acme/*,!acme/app@main",
    'the entry "!acme/app@main" takes out a whole repository, without ref and options',
  ],
  ["a/b@.x,c/d,a/b@v~1", 'the entry "a/b@.x" has no valid ref, the entry "a/b@v~1" has no valid ref'],
  [",", "names no repository"],
])("what is wrong in %s is said with the entry", (text, message) => {
  expect(parseCheckouts(text)).toBeNull();
  expect(describeWrongEntries(text)).toBe(message);
});

test("a link stays beside its repository's, whatever the entry", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (ref) => {
      const wanted = parseCheckouts(`acme/app@${ref}`)?.("acme/app") ?? [];
      for (const { slug } of wanted) expect(slug).toMatch(/^@[^/\0]+$/);
    }),
  );
});
