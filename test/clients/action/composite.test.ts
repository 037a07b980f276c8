import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Repo, ZERO } from "../../../tools/standin/index.js";
import { plainGit } from "../../support/git.js";
import { gitmodules } from "../../support/submodules.js";
import { checkout } from "../checkout/steps.js";
import { run } from "../run.js";
import { type Served, startServing } from "../served.js";
import { actionsIssuer, runAction } from "./job.js";

const AUDIENCE = "https://mirror.example.com";

let served: Served;
let issuer: Awaited<ReturnType<typeof actionsIssuer>>;
let lib: Repo;
beforeAll(async () => {
  issuer = await actionsIssuer();
  const env = {
    READERS: "oidc,github",
    OIDC_ISSUER: issuer.origin,
    OIDC_AUDIENCE: AUDIENCE,
    OIDC_OWNERS: "99=acme/lib",
  };
  served = await startServing(env, async (standin) => {
    lib = await standin.createRepository("acme", "lib");
    await standin.createRepository("acme", "other");
  });
  issuer.repositoryId = served.app.id;
});

/** A job that may ask for OIDC tokens and has called the action. */
async function oidcJob() {
  const cwd = served.dir();
  const inputs = { mirror: `${served.origin}/`, audience: AUDIENCE };
  const env = await runAction(inputs, cwd, issuer.env);
  return { cwd, env, git: (...args: string[]) => run("git", args, { cwd, env }) };
}

/** A job that has given the action its GITHUB_TOKEN. */
async function tokenJob() {
  const cwd = served.dir();
  const env = await runAction({ mirror: served.origin, token: served.githubToken() }, cwd, {});
  return { cwd, env, git: (...args: string[]) => run("git", args, { cwd, env }) };
}

test("git reads GitHub's addresses from the mirror with a new OIDC token each time, and pushes to GitHub", async () => {
  const { cwd, git } = await oidcJob();
  await git("clone", "https://github.com/acme/app");
  const tip = () => plainGit(served.app.dir, "rev-parse", "main");
  expect(await git("-C", "app", "rev-parse", "HEAD")).toBe(tip());
  expect(issuer.asked).toBe(1);
  const { after } = await served.push(served.app, "main");
  await git("-C", "app", "fetch", "origin");
  expect(await git("-C", "app", "rev-parse", "origin/main")).toBe(after);
  expect(issuer.asked).toBe(2);
  expect(await git("-C", "app", "remote", "get-url", "origin")).toBe(`${served.origin}/acme/app`);
  expect(await git("-C", "app", "remote", "get-url", "--push", "origin")).toBe("https://github.com/acme/app");
  // The next job on this machine finds nothing.
  expect(existsSync(join(cwd, ".gitconfig"))).toBe(false);
});

test("a workflow reads its own repository and those that OIDC_OWNERS allows, and no other", async () => {
  const { git } = await oidcJob();
  await git("clone", "https://github.com/acme/lib");
  await expect(git("clone", "https://github.com/acme/other")).rejects.toThrow(/not found/);
});

test("settings that the job has given git already stay", async () => {
  const env = {
    ...issuer.env,
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "user.name",
    GIT_CONFIG_VALUE_0: "Mona",
  };
  const cwd = served.dir();
  const job = await runAction({ mirror: served.origin, audience: AUDIENCE }, cwd, env);
  expect(await run("git", ["config", "user.name"], { cwd, env: job })).toBe("Mona");
  await run("git", ["ls-remote", "https://github.com/acme/app"], { cwd, env: job });
});

test("a token of GitHub's lies in a file that nobody else can read", async () => {
  const { git, env } = await tokenJob();
  await git("clone", "https://github.com/acme/other");
  expect(statSync(join(env.RUNNER_TEMP!, "lockstep-mirror-token")).mode & 0o777).toBe(0o600);
});

/** acme/app with acme/lib as a submodule by GitHub's own address. @returns the submodule's commit */
async function withSubmodule(): Promise<string> {
  const { standin, app, lockstep } = served;
  const gitlink = await standin.tip(lib, "refs/heads/main");
  const files = { ".gitmodules": gitmodules({ lib: "https://github.com/acme/lib.git" }), lib: { gitlink } };
  const parent = await standin.tip(app, "refs/heads/main");
  const after = await standin.commitObject(app, { parent, files });
  const before = await standin.tip(app, "refs/heads/absolute");
  const [push] = await standin.updateRefs(app, [
    { ref: "refs/heads/absolute", before: before ?? ZERO, after },
  ]);
  await standin.deliver(push!, { to: lockstep.webhookUrl });
  return gitlink;
}

const ref = "refs/heads/absolute";

test.each([
  ["an OIDC token", oidcJob],
  ["a token of GitHub's", tokenJob],
])("actions/checkout is left as it is, and reads submodules with absolute URLs, by %s", async (_, job) => {
  const gitlink = await withSubmodule();
  const { cwd, env } = await job();
  // What it sends to github.com is not sent to the mirror.
  const inputs = { serverUrl: "https://github.com", repository: "acme/app", token: "ghs_for-github.com" };
  const { git, commit } = await checkout({ ...inputs, ref, submodules: true }, cwd, env);
  expect(commit).toBe(plainGit(served.app.dir, "rev-parse", ref));
  expect(await git("-C", "lib", "rev-parse", "HEAD")).toBe(gitlink);
});

test("with github-server-url in actions/checkout, the action adds submodules with absolute URLs", async () => {
  const gitlink = await withSubmodule();
  const { cwd, env } = await tokenJob();
  const inputs = { serverUrl: served.origin, repository: "acme/app", token: served.githubToken() };
  const { git } = await checkout({ ...inputs, ref, submodules: true }, cwd, env);
  expect(await git("-C", "lib", "rev-parse", "HEAD")).toBe(gitlink);
});

test.each([
  ["without the permission", { mirror: "https://mirror.example.com" }, /id-token: write/],
  ["with an address that is none", { mirror: "mirror.example.com" }, /https address/],
  ["with a command for an audience", { mirror: "https://m.example.com", audience: "a'b" }, /letters, digits/],
])("the action says what is wrong: %s", async (_, inputs, message) => {
  const ran = runAction(inputs, served.dir(), {});
  await expect(ran.catch((error: { stdout: string }) => error.stdout)).resolves.toMatch(message);
});
