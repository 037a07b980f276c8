import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/base/error-codes.js";
import { VARIABLES } from "../../src/config/variables.js";
import { PROBLEM_CODES } from "../../src/watch/problems.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** The cells of every table row whose first cell is a code word, without the ticks around whole cells. */
const rowsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => /^\| `\w+` *\|/.test(line))
    .map((line) => line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/))
    .map((cells) => cells.map((cell) => cell.trim().replace(/^`([^`]+)`$/, "$1")));

const section = (text: string, heading: string) =>
  text.split(/^## /m).find((it) => it.startsWith(heading)) ?? "";

type Name = keyof typeof VARIABLES.shape;

test("docs/configuration.md has every variable once, with a default and an example that can be used", () => {
  const rows = rowsOf(read("docs/configuration.md").split("## Read by others")[0]!);
  expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(VARIABLES.shape).sort());
  for (const [name = "", fallback = "", example = "", meaning = ""] of rows) {
    const { success } = VARIABLES.shape[name as Name].safeParse(example);
    expect(success || /openssl|the text of|the old one/.test(example), `${name}=${example}`).toBe(true);
    expect(meaning.length, name).toBeGreaterThan(5);
    const sample = new RegExp(`^# ${name}=(.+)$`, "m").exec(read(".env.example"))?.[1];
    if (sample !== undefined) expect(fallback, name).toBe(sample);
    if (sample !== undefined)
      expect(VARIABLES.shape[name as Name].safeParse(fallback).success, name).toBe(true);
  }
});

test(".env.example has every variable once", () => {
  const names = [...read(".env.example").matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual(Object.keys(VARIABLES.shape).sort());
});

test("docs/failures.md has every code of a failure and of a problem once, with what to do", () => {
  const text = read("docs/failures.md");
  const failures = rowsOf(section(text, "Refreshes"));
  const problems = rowsOf(section(text, "Problems"));
  expect(failures.map(([code]) => code).sort()).toEqual([...ERROR_CODES].sort());
  expect(problems.map(([code]) => code).sort()).toEqual([...PROBLEM_CODES].sort());
  for (const cells of [...failures, ...problems]) expect(cells.filter(Boolean), cells[0]).toHaveLength(4);
});

test("links between the pages lead somewhere, their anchors too", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  pages.push(
    ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((it) => `docs/${it}`),
  );
  for (const page of pages.filter((it) => it.endsWith(".md"))) {
    for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      expect(existsSync(join(root, file)), `${page}: ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(file)), `${page}: ${target}`).toContain(anchor);
    }
  }
});

/** As GitHub makes them of headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
