import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import picomatch from "picomatch";
import { expect, test } from "vitest";
import { packageRoot } from "../../tools/package-root.js";
import { TIERS } from "../support/tiers.js";

const root = packageRoot();
const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.test\.tsx?$/.test(file))
  .map((file) => `test/${file}`);
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

const tiersOf = (file: string) =>
  Object.entries(TIERS)
    .filter(([, { include, exclude }]) => picomatch(include, { ignore: exclude })(file))
    .map(([name]) => name);

test("every test file is in exactly one tier, and no tier is empty", () => {
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) expect(tiersOf(file), file).toHaveLength(1);
  expect([...new Set(files.flatMap(tiersOf))].sort()).toEqual(Object.keys(TIERS).sort());
});

test("what runs a tier by its name runs all tiers between them", () => {
  const named = ["quick", "real", "whole"].flatMap((name) =>
    [...scripts[`test:${name}`]!.matchAll(/--project (\w+)/g)].map(([, project]) => project),
  );
  expect(named.sort()).toEqual(Object.keys(TIERS).sort());
  expect(scripts["test:quick"]).not.toMatch(/build/);
});

/** What starts programs. Those of this repository's own tools, in test/project, are not meant. */
const STARTS =
  /"(?:node:child_process|.*\/lib\/.*|.*\/support\/(?:cli|git|mirror|partial|trees|world|browser)\.js|.*\/standin\/index\.js)"/;

test("a quick test starts no program and needs no build", () => {
  const quick = files.filter((file) => tiersOf(file).includes("quick") && !file.startsWith("test/project/"));
  for (const file of quick) {
    const imports = readFileSync(join(root, file), "utf8").matchAll(/^(?!import type).*from ("[^"]+");$/gm);
    for (const [, from] of imports) expect(from, file).not.toMatch(STARTS);
  }
});

/** What bounds the time that something takes, or waits for less long than the tier lets it. */
const TIMED =
  /poll\([^;]*\btimeout:|waitFor\w*\([^;]*\btimeout:|vi\.waitFor|\bretry: \d|\.now\(\) - [^;\n]*\.toBeLess/;

test("no test says that something is fast: a machine may stand still, and bench/ measures", () => {
  for (const file of files.filter((file) => !file.startsWith("test/project/"))) {
    expect(TIMED.exec(readFileSync(join(root, file), "utf8"))?.[0], file).toBeUndefined();
  }
});

/** What changes the process of a test for good: its user, or what runs with every callback. */
const FOR_GOOD = /^asNobody\(\);$|^createHook\(/m;

test("a test that changes its process for good is not quick: the files of that tier share processes", () => {
  for (const file of files.filter((file) => tiersOf(file).includes("quick"))) {
    expect(FOR_GOOD.test(readFileSync(join(root, file), "utf8")), file).toBe(false);
  }
});
