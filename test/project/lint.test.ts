import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");

/** Lints the text as if it were that file. @returns the lines of it that our own rules report */
function reported(file: string, text: string): number[] {
  const dir = mkdtempSync(join(tmpdir(), "lockstep-lint-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const config = readFileSync(join(root, "biome.json"), "utf8");
  writeFileSync(join(dir, "biome.json"), config.replaceAll('"./tools/', `"${root}tools/`));
  mkdirSync(dirname(join(dir, file)));
  writeFileSync(join(dir, file), text);
  const { stdout } = spawnSync(process.execPath, [biome, "lint", "--reporter=github"], {
    cwd: dir,
    encoding: "utf8",
  });
  const lines = [...stdout.matchAll(/^::error title=plugin,.*?,line=(\d+),/gm)];
  return lines.map(([, line]) => Number(line)).sort((a, b) => a - b);
}

const SPREADS = `
export const spread = { a: 1, ...{ b: 2 } };
export const list = [1, ...[2, 3]];
export const optional = { a: 1, ...(list.length > 1 ? { b: 2 } : {}) };
`;

const BOOLEANS = `
clone(pass, true);
mirrors.clone(pass, false, 1);
clone(pass, { whole: true });
z.literal(true);
Promise.resolve(false);
known.set("a", true);
`;

test("a spread of a literal is reported", () => {
  expect(reported("src/example.ts", SPREADS)).toEqual([2, 3]);
  expect(reported("tools/example.ts", SPREADS)).toEqual([2, 3]);
});

test("a bare boolean in a call of our own functions is reported", () => {
  expect(reported("src/example.ts", BOOLEANS)).toEqual([2, 3]);
  expect(reported("test/example.ts", BOOLEANS)).toEqual([]);
});
