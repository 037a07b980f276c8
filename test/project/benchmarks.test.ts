import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawChart } from "../../bench/results/charts.js";
import { published } from "../../bench/results/publish.js";
import { withFigures } from "../../bench/results/render.js";
import { SUBJECTS } from "../../bench/results/subjects.js";

test("the published figures are those of the last runs that are kept", () => {
  for (const [file, text] of published())
    expect(existsSync(file) && readFileSync(file, "utf8"), `${file}: npm run bench -- --render`).toBe(text);
});

test("npm run bench runs every benchmark, and each has its place in the document", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const named = Object.keys(scripts).filter((name) => name.startsWith("bench:"));
  expect(SUBJECTS.map(({ name }) => `bench:${name}`).sort()).toEqual(named.sort());
  const document = readFileSync("docs/benchmarks.md", "utf8");
  const result = { date: "2026-01-31", machine: "2 × X", command: "npm run x", figures: {} };
  const rows = [
    ["way", "median"],
    ["a | b", "3 ms"],
  ];
  for (const { name } of SUBJECTS) {
    const text = withFigures(document, name, { ...result, items: [{ title: "Title", rows }, "A note."] });
    expect(text).toContain(`<!-- figures of ${name}: written by npm run bench -->

Title:

| way | median |
| --- | ---: |
| a \\| b | 3 ms |

A note.

Measured on 2026-01-31 with \`npm run x\`: 2 × X.

<!-- end of figures -->`);
  }
  expect(() => withFigures(document, "nothing", { ...result, items: [] })).toThrow("no line");
});

test("a chart says its figures in words, too, and escapes what it is given", () => {
  const bars = [
    { name: "Lockstep", value: 41.6, isOurs: true },
    { name: 'a hook & "more"', value: 1_234.5, isOurs: false },
  ];
  const svg = drawChart({ title: "Lag", unit: "ms", groups: [{ name: "near", bars }] });
  expect(svg).toContain('aria-label="Lag. near: Lockstep 42 ms, a hook &amp; &quot;more&quot; 1,235 ms"');
  expect(svg).toContain("a hook &amp; &quot;more&quot;</text>");
  const widths = [...svg.matchAll(/<rect class="(\w+)".*? width="([\d.]+)"/g)].map(([, kind, width]) => [
    kind,
    Number(width),
  ]);
  expect(widths[0]![0]).toBe("ours");
  expect(Number(widths[0]![1]) / Number(widths[1]![1])).toBeCloseTo(41.6 / 1_234.5, 1);
});
