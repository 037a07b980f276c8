import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OUTLINES } from "../../src/http/page/icons.js";
import { outlines, tokensCss } from "../../tools/look.js";
import { packageRoot } from "../../tools/package-root.js";

const read = (file: string) => readFileSync(join(packageRoot(), file), "utf8");
/** The formatter breaks long lines. */
const oneLine = (text: string) => text.replace(/\s+/g, " ");

test("tokens and icons are those of GitHub's packages: npm run look", () => {
  expect(oneLine(read("assets/tokens.css"))).toBe(oneLine(tokensCss()));
  expect(OUTLINES).toEqual(outlines());
});

test("the style uses no token that is not served, and no colour of its own", () => {
  const page = read("assets/page.css");
  const served = oneLine(read("assets/tokens.css"));
  const used = [...page.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name!);
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((name) => !served.includes(`${name}: `))).toEqual([]);
  expect(page).not.toMatch(/#[\da-f]{3,8}\b|rgba?\(/i);
});

test("every icon is used somewhere", () => {
  const folder = join(packageRoot(), "src/http/page");
  const sources = readdirSync(folder)
    .filter((file) => file !== "icons.ts")
    .map((file) => read(`src/http/page/${file}`))
    .join("\n");
  expect(Object.keys(OUTLINES).filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
});
