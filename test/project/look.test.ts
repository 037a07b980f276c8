import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OUTLINES } from "../../src/http/page/icons.js";
import { outlines, tokensCss } from "../../tools/look.js";
import { packageRoot } from "../../tools/package-root.js";

const read = (file: string) => readFileSync(join(packageRoot(), file), "utf8");

test("tokens and icons are those of GitHub's packages: npm run look", () => {
  expect(read("assets/tokens.css")).toBe(tokensCss());
  expect(OUTLINES).toEqual(outlines());
});

test("the style uses no token that is not served, and no colour of its own", () => {
  const page = read("assets/page.css");
  const served = read("assets/tokens.css");
  const used = [...page.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name!);
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((name) => !served.includes(`${name}: `))).toEqual([]);
  expect(page).not.toMatch(/#[\da-f]{3,8}\b|rgba?\(/i);
});

test("every icon is used somewhere", () => {
  const sources = [
    "attention",
    "actions",
    "standing",
    "parts",
    "layout",
    "overview",
    "repository",
    "deliveries",
  ]
    .map((name) => read(`src/http/page/${name}.tsx`))
    .join("\n");
  expect(Object.keys(OUTLINES).filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
});
