import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { offered } from "../support/bash.js";
import { type Call, cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

async function start() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repos = [];
  for (const name of ["app", "site", "tool"]) repos.push(await standin.createRepository("acme", name));
  const dataDir = tempDir();
  const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  const env = { API_TOKEN, LOCKSTEP_URL: lockstep.url };
  const run = (...args: string[]): Promise<Call> => cli(env, ...args);
  for (const { name } of repos) await lockstep.waitForLog((line) => line.repository === `acme/${name}`);
  await expect.poll(async () => (await run("status")).code).toBe(0);
  return { standin, repos, lockstep, dataDir, env, run };
}

test("one command is about many repositories, and a pass of the backstop begins when it is asked for", async () => {
  const { standin, repos, lockstep, run } = await start();
  const tips = () => Promise.all(repos.map((repo) => standin.resolve(repo, "main")));
  const tipsHere = () =>
    Promise.all(
      repos.map(async ({ name }) => {
        const { heads } = JSON.parse((await run("show", `acme/${name}`)).out);
        return heads["refs/heads/main"];
      }),
    );
  // Nobody reports these pushes.
  for (const repo of repos) await standin.commit(repo, "main");
  expect(await run("pause", "acme/tool")).toMatchObject({ code: 0 });
  expect(await run("refresh", "--all")).toEqual({
    code: 0,
    out: "asked for a refresh of 2 repositories\n",
    err: "",
  });
  await expect.poll(async () => (await tipsHere()).slice(0, 2)).toEqual((await tips()).slice(0, 2));
  expect((await tipsHere())[2]).not.toBe((await tips())[2]);
  expect(await run("resume", "--all")).toMatchObject({ code: 0, out: "resumed 1 repository\n" });
  await expect.poll(tipsHere).toEqual(await tips());
  expect(await run("resume", "--all")).toMatchObject({ code: 0, out: "resumed 0 repositories\n" });
  const filtered = await run("--json", "refresh", "--name", "acme/*o*");
  expect(JSON.parse(filtered.out)).toEqual({ repositories: 1 });
  expect(await run("refresh", "--name", "site", "--state", "failing")).toMatchObject({
    code: 0,
    out: "asked for a refresh of 0 repositories\n",
  });
  for (const wrong of [["refresh"], ["refresh", "acme/app", "--all"], ["resume"]])
    expect(await run(...wrong), wrong.join(" ")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--all"),
    });

  const [app] = repos;
  await standin.commit(app!, "main");
  const passed = lockstep.waitForLog((line) => line.trigger === "backstop" && line.result !== undefined);
  expect(await run("pass")).toMatchObject({ code: 0, out: expect.stringMatching(/^a pass /) });
  await passed;
  await expect.poll(tipsHere).toEqual(await tips());

  const { audit } = JSON.parse((await run("--json", "audit")).out);
  expect(
    audit.map(({ action, subject, detail }: Record<string, string>) => [action, subject, detail]),
  ).toEqual(
    expect.arrayContaining([
      ["pass", "backstop", null],
      ["refresh", "several repositories", "state failing, name site"],
      ["resume", "several repositories", "every repository"],
    ]),
  );
});

test("lists without an entry say so, and a program that reads them sees nothing", async () => {
  const { run } = await start();
  expect(await run("list", "--name", "nobody")).toEqual({ code: 0, out: "", err: "no repository matches\n" });
  expect(await run("kept", "acme/app")).toEqual({ code: 0, out: "", err: "no kept tips\n" });
  expect(await run("tokens", "list")).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("no tokens"),
  });
  expect((await run("list", "--name", "s?te")).err).toContain("no repository");
  expect((await run("list", "--name", "*/s?te")).out).toMatch(/^REPOSITORY.*\nacme\/site/);
});

test("bash completes names of repositories, and offers nothing when Lockstep is away", async () => {
  const { env, lockstep } = await start();
  // What the API does not give within a second is not offered.
  const offers = (...words: string[]) =>
    expect.poll(() => offered(env, ...words).words.sort(), { interval: 200 });
  await offers("refresh", "acme/s").toEqual(["acme/site"]);
  await offers("show", "acme/").toEqual(["acme/app", "acme/site", "acme/tool"]);
  await offers("pause", "acme/app", "acme/to").toEqual(["acme/tool"]);
  await lockstep.stop();
  expect(offered(env, "refresh", "acme/s").words).toEqual([]);
});

test.skipIf(process.getuid!() !== 0)("another user clones from every mirror with one file", async () => {
  const { dataDir, repos } = await start();
  const home = tempDir();
  const { out } = await cli({ DATA_DIR: dataDir }, "safe-directories");
  writeFileSync(join(home, ".gitconfig"), out);
  for (const dir of [home, ...ancestors(dataDir)]) chmodSync(dir, statSync(dir).mode | 0o755);
  execFileSync("chmod", ["-R", "a+rX", dataDir]);
  execFileSync("chown", ["-R", "12345", home]);
  const clone = (name: string, HOME: string) =>
    spawnSync(
      "git",
      [
        "clone",
        "--quiet",
        join(dataDir, "mirrors", "acme", `${name}.git`),
        join(home, `${name}-${HOME === home}`),
      ],
      {
        env: { PATH: process.env.PATH, HOME },
        cwd: home,
        encoding: "utf8",
        uid: 12345,
      },
    );
  expect(clone("app", "/nonexistent").stderr).toContain("dubious ownership");
  for (const { name } of repos) expect(clone(name, home)).toMatchObject({ status: 0, stderr: "" });
  expect((await cli({ DATA_DIR: "/nowhere" }, "safe-directories")).err).toContain("DATA_DIR");
});

/** The directories above, in the tests' own part of the file system. */
function ancestors(dir: string): string[] {
  const found: string[] = [];
  for (let at = dirname(dir); /lockstep-test/.test(at); at = dirname(at)) found.push(at);
  return found;
}
