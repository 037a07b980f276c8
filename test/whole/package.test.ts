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
  const own = join(cwd, "node_modules/@lockstep-app/lockstep");
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
  const args = [join(cwd, "node_modules/@lockstep-app/lockstep/lib/cli.js"), "demo"];
  const { stdout } = await run(process.execPath, args, { cwd, env: env as NodeJS.ProcessEnv });
  expect(stdout).toMatch(/mirrored .* after Lockstep was ready/);
  expect(stdout).toMatch(/equal/);
});

test("the package pins the versions that are tested, and has nothing of development", async () => {
  const file = join(tempDir(), "npm-shrinkwrap.json");
  await run(process.execPath, [join(root, ".build/tools/shrinkwrap.js"), file]);
  const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
    packages: Record<string, { version?: string; dev?: boolean; dependencies?: object }>;
  };
  const { "": own, ...others } = packages;
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(own).toMatchObject({ version: manifest.version, dependencies: manifest.dependencies });
  expect(own).not.toHaveProperty("devDependencies");
  expect(Object.values(others).filter(({ dev }) => dev)).toEqual([]);
  for (const name of Object.keys(manifest.dependencies)) {
    const installed = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
    expect(others[`node_modules/${name}`]?.version, name).toBe(installed.version);
  }
  expect(manifest.files).toContain("npm-shrinkwrap.json");
});
