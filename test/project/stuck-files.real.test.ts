import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { tempDir } from "../support/temp.js";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("a test file that hangs is named and ended, and fails the run", async () => {
  const dir = tempDir();
  const config = { globals: true, include: ["*.test.js"], globalSetup: [at("../support/stuck-files.ts")] };
  writeFileSync(join(dir, "vitest.config.js"), `export default ${JSON.stringify({ test: config })}`);
  writeFileSync(join(dir, "ends.test.js"), 'test("ends", () => {})');
  const hangs = 'process.getBuiltinModule("child_process").execFileSync("sleep", ["infinity"])';
  writeFileSync(join(dir, "hangs.test.js"), `test("hangs", () => void ${hangs})`);
  const run = spawn(process.execPath, [at("../../node_modules/vitest/vitest.mjs"), "run", "--root", dir], {
    cwd: dir,
    env: { PATH: process.env.PATH, TEST_FILE_LIMIT_MS: "10000" },
  });
  const ended = new Promise((resolve) => run.once("close", resolve));
  const [out, err] = await Promise.all([text(run.stdout), text(run.stderr)]);
  expect(await ended).toBe(1);
  expect(err).toMatch(
    /A test file has taken more than .* min, and is ended[\s\S]*hangs\.test\.js[\s\S]*sleep infinity/,
  );
  expect(out).toMatch(/1 passed/);
});
