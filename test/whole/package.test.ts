import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { packageRoot } from "../../tools/package-root.js";
import { tempDir } from "../support/temp.js";

const run = promisify(execFile);
const root = packageRoot();

/** Installs as npm does, but from the packages here, so the test uses no registry. */
async function installed(): Promise<string> {
  const cwd = tempDir();
  // npm test has just built it, and other tests run that build.
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", cwd];
  const [{ filename }] = JSON.parse((await run("npm", pack, { cwd: root })).stdout);
  const own = join(cwd, "node_modules/lockstep");
  mkdirSync(own, { recursive: true });
  await run("tar", ["-xzf", join(cwd, filename), "-C", own, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = join(cwd, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
  return cwd;
}

test("the package that npm packs runs the demo, with its dependencies and nothing else beside it", async () => {
  const cwd = await installed();
  const env = { PATH: process.env.PATH, HOME: cwd };
  const args = [join(cwd, "node_modules/lockstep/lib/cli.js"), "demo"];
  const { stdout } = await run(process.execPath, args, { cwd, env: env as NodeJS.ProcessEnv });
  expect(stdout).toMatch(/mirrored .* after Lockstep was ready/);
  expect(stdout).toMatch(/equal/);
});
