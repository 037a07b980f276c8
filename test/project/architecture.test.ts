import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("imports follow the architecture", () => {
  const args = ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", "src", "--output-type", "json"];
  const report = JSON.parse(
    execFileSync(process.execPath, [...args, "--config", ".dependency-cruiser.cjs"], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    }),
  ) as { summary: { violations: unknown[]; totalCruised: number }; modules: { source: string }[] };
  expect(report.modules.map(({ source }) => source)).toContain("src/syncer.ts");
  expect(report.summary.violations).toEqual([]);
});

test("what the page is drawn with knows nothing but src/http", () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" });
  const drawn = files.filter((file) => file.endsWith(".tsx"));
  expect(drawn.length).toBeGreaterThan(5);
  for (const file of drawn) {
    const text = readFileSync(`${root}src/${file}`, "utf8");
    for (const [, module] of text.matchAll(/from "([^"]+)"/g))
      expect(module, file).toMatch(/^(hono(\/\w+)?|zod|\.{1,2}\/[\w-]+\.js)$/);
    expect(dirname(file), file).toBe("http/page");
  }
});

test("process.env is read in one place, and src/index.ts stays short", () => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "src"], {
    cwd: root,
    encoding: "utf8",
  }).split("\n");
  const sources = files
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => [file, readFileSync(root + file, "utf8")]);
  expect(sources.length).toBeGreaterThan(30);
  const readers = sources.filter(([, text]) => text!.includes("process.env")).map(([file]) => file);
  expect(readers).toEqual(["src/config/load.ts"]);
  for (const [file, text] of sources) expect(text!.split("\n").length, file).toBeLessThanOrEqual(300);
  expect(readFileSync(`${root}src/index.ts`, "utf8").split("\n").length).toBeLessThan(100);
});
