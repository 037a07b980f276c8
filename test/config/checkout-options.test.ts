import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { NO_OPTIONS, OPTIONS, parseOptions, SAMPLE } from "../../src/config/checkout-options.js";
import { parseCheckouts, readOptions, writeOptions } from "../../src/config/checkouts.js";
import { ABOUT, VARIABLES } from "../../src/config/variables.js";

test("every option can be used as its sample shows it, and then differs from its fallback", () => {
  for (const [name, { parse, sample, fallback }] of Object.entries(OPTIONS)) {
    expect(parse(sample), name).not.toBeNull();
    expect(parse(sample), name).not.toEqual(fallback);
  }
  expect(Object.keys(parseOptions(SAMPLE)!)).toEqual(Object.keys(OPTIONS));
});

test("the remedy of CHECKOUTS shows every option, and can be used", () => {
  const { remedy } = ABOUT.get(VARIABLES.shape.CHECKOUTS)!;
  expect(parseCheckouts(remedy.replace("write them as ", ""))?.("acme/docs")).toEqual([
    { ref: null, slug: "", ...NO_OPTIONS },
    { ref: "refs/tags/v1", slug: "@refs%2Ftags%2Fv1", ...parseOptions(SAMPLE) },
  ]);
});

test(".env.example shows every option, and says what it does", () => {
  const shown = readFileSync(".env.example", "utf8").match(/^# {3}\w+=.+$/gm);
  const wanted = Object.entries(OPTIONS).map(
    ([name, { sample, docs }]) => `#   ${name}=${sample}: ${docs.meaning}`,
  );
  expect(shown, ".env.example").toEqual(wanted);
});

test("docs/checkouts.md has a line for every option", () => {
  const [, table = ""] = readFileSync("docs/checkouts.md", "utf8").split(/^\| option .*\n.*\n/m);
  const rows = table
    .split("\n\n")[0]!
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  const wanted = Object.entries(OPTIONS).map(([name, { sample, docs }]) => [
    name,
    docs.fallback,
    sample,
    docs.meaning,
  ]);
  expect(
    rows.map((cells) => cells.slice(1, -1)),
    "docs/checkouts.md",
  ).toEqual(wanted);
});

test("the row of a tree in the database stays as it was: another text has the tree written again", () => {
  const written = (query: string) => writeOptions(parseOptions(query)!);
  expect(writeOptions(NO_OPTIONS)).toBe('{"paths":[],"submodules":"no"}');
  expect(written("depth=5&filter=blob:none&lfs=no")).toBe('{"paths":[],"submodules":"no"}');
  expect(written("lfs=yes&submodules=recursive&paths=b:a")).toBe(
    '{"paths":["a","b"],"submodules":"recursive","lfs":true,"converted":false}',
  );
});

test("a row of any version is read as the whole options of a tree", () => {
  const none = { paths: [], submodules: "no", lfs: false };
  expect(readOptions('{"paths":[],"submodules":"no"}')).toEqual(none);
  expect(readOptions('{"paths":["a"],"submodules":"yes"}')).toEqual({
    paths: ["a"],
    submodules: "yes",
    lfs: false,
  });
  expect(readOptions('{"paths":[],"submodules":"no","lfs":true}')).toEqual({ ...none, lfs: true });
  expect(readOptions('{"paths":[],"submodules":"no","lfs":true,"converted":false}')).toEqual({
    ...none,
    lfs: true,
  });
});
