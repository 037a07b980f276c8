import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ATTACKS } from "../../tools/hostile/attacks/index.js";
import { CROWDS } from "../../tools/hostile/crowds/index.js";
import { HELP, readOptions } from "../../tools/hostile/options.js";
import { packageRoot } from "../../tools/package-root.js";
import { UsageError } from "../../tools/run-tool.js";

const text = readFileSync(join(packageRoot(), "docs/security.md"), "utf8");
const kinds = [...ATTACKS, ...CROWDS];

test("docs/security.md has each kind of attack once, as --list prints it", () => {
  const [, rest = ""] = text.split("| attack | `--only` |\n| --- | --- |\n");
  const [table = ""] = rest.split("\n\n");
  const sizes = new Map(CROWDS.map(({ name, size }) => [name, `${size.toLocaleString("en")} `]));
  expect(table.split("\n")).toEqual(
    kinds.map(({ name, about }) => `| ${sizes.get(name) ?? ""}${about} | \`${name}\` |`),
  );
});

test("docs/security.md names only options that --help explains", () => {
  for (const [option] of text.matchAll(/(?<=npm run hostile -- .*)--[a-z-]+/g))
    expect(HELP).toContain(option);
});

test("options are read, and wrong ones are refused", () => {
  expect(readOptions([])).toMatchObject({ requests: 100_000, share: 1, request: null, isMarkdown: false });
  expect(readOptions(["--only", "fields,waiters", "--request", "7", "--share", "0.5"])).toMatchObject({
    attacks: [{ name: "fields" }],
    crowds: [{ name: "waiters" }],
    request: 7,
    share: 0.5,
  });
  for (const args of [
    ["--requests", "-1"],
    ["--seed", "x"],
    ["--share", "2"],
    ["--only", "fields,no"],
    ["--no"],
  ])
    expect(() => readOptions(args)).toThrow(UsageError);
});
