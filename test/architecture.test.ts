import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

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

test("process.env is read in one place, and src/index.ts stays short", () => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "src"], {
    cwd: root,
    encoding: "utf8",
  }).split("\n");
  const sources = files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => [file, readFileSync(root + file, "utf8")]);
  expect(sources.length).toBeGreaterThan(30);
  const readers = sources.filter(([, text]) => text!.includes("process.env")).map(([file]) => file);
  expect(readers).toEqual(["src/config.ts"]);
  for (const [file, text] of sources) expect(text!.split("\n").length, file).toBeLessThanOrEqual(300);
  expect(readFileSync(`${root}src/index.ts`, "utf8").split("\n").length).toBeLessThan(100);
});
