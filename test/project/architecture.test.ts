import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");

/** Each place of src/ and what it may import: folders, and the files at the top. */
const imports = JSON.parse(read("architecture.json")) as Record<string, string[]>;
const places = Object.keys(imports);

/** Those that git knows, and those that are new. */
const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "src"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.tsx?$/.test(file) && existsSync(root + file));

/** The place a file of src/ is in: the longest that holds it. */
const placeOf = (file: string): string | undefined =>
  places
    .filter((place) => file === `src/${place}` || file.startsWith(`src/${place}/`))
    .sort((a, b) => b.length - a.length)[0];

const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/(?:from|import\() ?"(\.{1,2}\/[^"]+)"/g)].map(([, path]) =>
    posix.join(posix.dirname(file), path!),
  );

describe("the table of places", () => {
  test("has a line for every file of src/, and none for nothing", () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((file) => placeOf(file) === undefined)).toEqual([]);
    expect(places.filter((place) => !sources.some((file) => placeOf(file) === place))).toEqual([]);
  });

  test("lets a place import only those above it, so that no circle of folders can be", () => {
    for (const [place, allowed] of Object.entries(imports)) {
      const above = places.slice(0, places.indexOf(place));
      expect(
        allowed.filter((it) => !above.includes(it)),
        place,
      ).toEqual([]);
    }
  });

  test("allows nothing that nobody imports", () => {
    for (const [place, allowed] of Object.entries(imports)) {
      // base is for everyone.
      const used = new Set(
        sources
          .filter((file) => placeOf(file) === place)
          .flatMap((file) => importsOf(file).map((it) => placeOf(it.replace(/\.js$/, ".ts")))),
      );
      expect(
        allowed.filter((it) => it !== "base" && !used.has(it)),
        place,
      ).toEqual([]);
    }
  });

  test("is the map in CONTRIBUTING.md", () => {
    const rows = [
      ...read("CONTRIBUTING.md").matchAll(/^\| `src\/([\w/.]+?)\/?` +\| ([^|]+?) +\| ([^|]+?) +\|$/gm),
    ];
    const map = Object.fromEntries(
      rows.map(([, place = "", , allowed = ""]) => [
        place,
        allowed === "nothing of ours" ? [] : allowed.split(", "),
      ]),
    );
    expect(map).toEqual(imports);
    for (const [, place, what = ""] of rows) expect(what.length, place).toBeGreaterThan(10);
  });
});

test("no file repeats its folder's name, and only five lie at the top", () => {
  const repeating = sources.filter((file) => {
    const name = posix.basename(file).replace(/\.tsx?$/, "");
    const folder = posix.basename(posix.dirname(file));
    return name === folder || name.startsWith(`${folder}-`);
  });
  expect(repeating).toEqual([]);
  const top = readdirSync(`${root}src`).filter((name) => name.endsWith(".ts"));
  expect(top.sort()).toEqual(["cli.ts", "index.ts", "publisher.ts", "schedule.ts", "syncer.ts", "worker.ts"]);
});

test("imports follow the table, and no files form a circle, in src/, tools/, bench/ and test/", () => {
  const args = [
    "src",
    "tools",
    "bench",
    "test",
    "--output-type",
    "json",
    "--config",
    ".dependency-cruiser.cjs",
  ];
  const report = JSON.parse(
    execFileSync(process.execPath, ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", ...args], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    }),
  ) as { summary: { violations: unknown[]; totalCruised: number }; modules: { source: string }[] };
  expect(report.modules.map(({ source }) => source)).toContain("src/syncer.ts");
  expect(report.summary.violations).toEqual([]);
});

test("what the page is drawn with knows nothing but src/http and src/base", () => {
  const drawn = sources.filter((file) => file.endsWith(".tsx"));
  expect(drawn.length).toBeGreaterThan(5);
  for (const file of drawn) {
    for (const [, module] of read(file).matchAll(/from "([^"]+)"/g))
      expect(module, file).toMatch(/^(hono(\/\w+)?|zod|\.{1,2}\/[\w-]+\.js|\.\.\/\.\.\/base\/[\w-]+\.js)$/);
    expect(dirname(file), file).toBe("src/http/page");
  }
});

test("process.env is read in one place, and src/index.ts stays short", () => {
  const readers = sources.filter((file) => read(file).includes("process.env"));
  expect(readers).toEqual(["src/config/load.ts"]);
  for (const file of sources) expect(read(file).split("\n").length, file).toBeLessThanOrEqual(300);
  expect(read("src/index.ts").split("\n").length).toBeLessThan(100);
});
