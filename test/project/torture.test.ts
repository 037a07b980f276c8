import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../tools/package-root.js";
import { UsageError } from "../../tools/run-tool.js";
import { KINDS } from "../../tools/torture/kinds/index.js";
import { HELP, readOptions } from "../../tools/torture/options.js";
import { markdownTable } from "../../tools/torture/report.js";

const text = readFileSync(join(packageRoot(), "docs/reliability.md"), "utf8");

/** Returns the names in the second column of the table of faults. */
function documentedKinds(): string[] {
  const table = text.split("| fault | `--only` |")[1]!.split("\n\n")[0]!;
  const cells = table
    .split("\n")
    .slice(2)
    .map((line) => line.split(" | ")[1]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
}

test("docs/reliability.md has each kind of fault once", () => {
  expect(documentedKinds().sort()).toEqual(KINDS.map(({ name }) => name).sort());
});

test("docs/reliability.md names only options that --help explains", () => {
  for (const [option] of text.matchAll(/(?<=npm run torture -- .*)--[a-z-]+/g))
    expect(HELP).toContain(option);
});

test("options are read, and wrong ones are refused", () => {
  expect(readOptions(["--cut", "forced:17", "--only", "power-cut-at-call"])).toMatchObject({
    cut: { push: "forced", call: 17 },
    kinds: [{ name: "power-cut-at-call" }],
  });
  expect(readOptions(["--only", "damaged"])).toMatchObject({
    minutes: 10,
    cut: { push: "commit", call: 1, every: 1 },
    isMarkdown: false,
  });
  expect(readOptions(["--every", "6"])).toMatchObject({ cut: { push: "commit", call: 1, every: 6 } });
  for (const args of [
    ["--cut", "x:1"],
    ["--cut", "forced"],
    ["--minutes", "0"],
    ["--only", "no"],
    ["--file-system", "fat"],
  ])
    expect(() => readOptions(args)).toThrow(UsageError);
});

test("figures are a table of Markdown", () => {
  expect(
    markdownTable([
      ["fault", "rounds"],
      ["stop", "2"],
    ]),
  ).toEqual(["| fault | rounds |", "| --- | --: |", "| stop | 2 |"]);
});
