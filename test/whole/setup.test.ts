import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { freePort, type Lockstep } from "../../tools/lockstep.js";
import { accountWithoutApp, register, spawnStart } from "../../tools/register-app.js";
import { type StandIn, startStandIn } from "../../tools/standin/index.js";
import { openTab } from "../support/browser.js";
import { cliIn } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

/** A separate GitHub, with a repository of an account that has not installed the App yet. */
async function gitHub(): Promise<StandIn> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  await accountWithoutApp(standin, "acme", ["app"]);
  return standin;
}

async function start(cwd: string, env: Record<string, string>, given?: number) {
  const port = given ?? (await freePort());
  const lockstep = spawnStart(cwd, port, env);
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog(({ msg }) => /^(Lockstep has no GitHub App|Listening)/.test(msg ?? ""));
  return { lockstep, port, url: `http://127.0.0.1:${port}` };
}

/** Does what a person does in the browser. Both tabs then show the page. */
async function registerAt(url: string, lockstep: Lockstep): Promise<void> {
  const { tab } = await openTab();
  await tab.goto(url);
  expect(tab.url()).toBe(`${url}/probot`);
  const returned = await register(tab, () => isListening(lockstep));
  expect(returned.url()).toBe(`${url}/`);
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
}

/**
 * Runs first as the setup page, then as the App. GitHub does not repeat events for a server that was not
 * there.
 */
async function isListening(lockstep: Lockstep): Promise<void> {
  await lockstep.waitForLog(({ msg }) => /^Listening/.test(msg ?? ""));
}

const settings = (standin: StandIn) => ({ GHE_HOST: standin.host, GHE_PROTOCOL: "http", INTERVAL: "off" });
const readEnv = (cwd: string) => parseEnv(readFileSync(join(cwd, ".env"), "utf8"));

test("on a fresh machine: start, register, install, and the first repository is there", async () => {
  const standin = await gitHub();
  const cwd = tempDir();
  writeFileSync(join(cwd, ".env"), "# mine\nLOG_LEVEL=info\n", { mode: 0o644 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { ...settings(standin), PUBLIC_URL: url };
  const { lockstep } = await start(cwd, env, port);
  expect(statSync(join(cwd, ".env")).mode & 0o777).toBe(0o600);
  const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  for (const { address } of others.filter(({ internal, family }) => !internal && family === "IPv4"))
    await expect(fetch(`http://${address}:${port}/probot`), address).rejects.toThrow();

  // Nobody has to restart it.
  expect(JSON.stringify(lockstep.log)).not.toMatch(/restart|Welcome to Probot/);
  // No public relay is used or needed.
  expect(JSON.stringify(lockstep.log)).not.toMatch(/smee/i);
  await registerAt(url, lockstep);
  await lockstep.waitForLog((line) => line.repository === "acme/app" && line.result === "cloned");
  expect(standin.manifests.manifest).toMatchObject({
    hook_attributes: { url: `${url}/api/github/webhooks` },
    setup_url: `${url}/setup`,
    default_permissions: { contents: "read", metadata: "read" },
    default_events: ["push", "repository"],
    public: false,
  });
  const written = readEnv(cwd);
  expect(written).toMatchObject({ APP_ID: "4242", LOG_LEVEL: "info", PUBLIC_URL: url });
  expect(written.PRIVATE_KEY).toBe(standin.privateKey);
  expect(Object.keys(written).join()).not.toContain("CLIENT");
  expect(readFileSync(join(cwd, ".env"), "utf8")).toMatch(/^# mine\n/);
  expect(statSync(join(cwd, ".env")).mode & 0o777).toBe(0o600);
  for (const secret of [written.API_TOKEN!, standin.webhookSecret, "BEGIN RSA"])
    expect(JSON.stringify(lockstep.log)).not.toContain(secret);

  await lockstep.stop();
  await start(cwd, { INTERVAL: "off" }, port);
  const repo = standin.world.find("acme", "app")!;
  const push = await standin.pushAndDeliver(repo, "main", String(standin.hookConfig.url));
  const authorization = `Bearer ${written.API_TOKEN}`;
  const contains = `${url}/api/v1/repos/acme/app/contains/${push.after}?wait=30s`;
  expect(await fetch(contains, { headers: { authorization } })).toMatchObject({ status: 200 });
});

test("without PUBLIC_URL the App's webhook is corrected once the App is registered", async () => {
  const standin = await gitHub();
  const { lockstep, url } = await start(tempDir(), settings(standin));
  await registerAt(url, lockstep);
  await lockstep.waitForLog((line) => line.result === "cloned");
  expect(standin.manifests.manifest?.hook_attributes.url).toBe(`${url}/`);
  expect(standin.hookConfig.url).toBe(`${url}/api/github/webhooks`);
});

test("with DELIVERIES=pull the webhook leads nowhere, and the setting is kept for the next start", async () => {
  const standin = await gitHub();
  const cwd = tempDir();
  writeFileSync(join(cwd, ".env"), 'DATA_DIR=here # mine\nCHECKOUTS="acme/site"\n');
  const given = {
    DELIVERIES: "pull",
    REPOSITORIES: "acme/*,!acme/x",
    CONCURRENCY: "3",
    CHECKOUTS: "acme/app",
  };
  const { lockstep, port, url } = await start(cwd, { ...settings(standin), ...given });
  await registerAt(url, lockstep);
  await lockstep.waitForLog((line) => line.result === "cloned");
  expect(standin.hookConfig.url).toBe("https://lockstep.invalid/");
  // Whatever was given is there at the next start, and what .env says already stays as it is written.
  const kept = { ...settings(standin), ...given, PORT: String(port), DATA_DIR: "here" };
  expect(readEnv(cwd)).toMatchObject(kept);
  expect(readFileSync(join(cwd, ".env"), "utf8")).toMatch(/^DATA_DIR=here # mine\n/);
  expect(existsSync(join(cwd, "here", "lockstep.db"))).toBe(true);
});

test("an App that was registered by hand is imported by its id, key and secret", async () => {
  const standin = await gitHub();
  standin.manifests.onInstall();
  const cwd = tempDir();
  const { lockstep, url } = await start(cwd, {
    ...settings(standin),
    API_TOKEN: "token-of-the-tests-0123456789",
  });
  const { tab } = await openTab();
  await tab.goto(`${url}/probot`);
  await tab.getByRole("link", { name: "use an existing Github App" }).click();
  await tab.locator("#appId").fill("4242");
  await tab.locator("#whs").fill(standin.webhookSecret);
  await tab
    .locator("#pem")
    .setInputFiles({ name: "key.pem", mimeType: "text/plain", buffer: Buffer.from(standin.privateKey) });
  await tab.getByRole("button", { name: "Submit" }).click();
  await tab.getByText("Congrats!").waitFor();
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
  await lockstep.waitForLog((line) => line.result === "cloned");
  expect(readEnv(cwd)).toMatchObject({ APP_ID: "4242", WEBHOOK_SECRET: standin.webhookSecret });
  // The file existed before.
  expect(readEnv(cwd)).not.toHaveProperty("API_TOKEN");
});

/** Unlike fetch, this client sends the Host, Origin and Sec-Fetch-* headers it is given. */
function ask(url: string, method: string, headers: Record<string, string>, body = "") {
  return new Promise<{ status: number; text: string }>((done, fail) => {
    const sent = request(url, { method, headers }, async (answer) => {
      let text = "";
      for await (const part of answer.setEncoding("utf8")) text += part;
      done({ status: answer.statusCode ?? 0, text });
    });
    sent.on("error", fail).end(body);
  });
}

test("requests of other sites to the setup page, and invalid keys, change nothing", async () => {
  const standin = await gitHub();
  standin.manifests.onInstall();
  const cwd = tempDir();
  const { lockstep, port, url } = await start(cwd, settings(standin));
  const importing = (headers: Record<string, string>, pem: string = standin.privateKey, appId = "4242") => {
    const body = JSON.stringify({ appId, pem, webhook_secret: standin.webhookSecret });
    return ask(`${url}/probot/import`, "POST", { "content-type": "text/plain", ...headers }, body);
  };
  const refused = { status: 403, text: expect.stringMatching(/Open /) };
  const host = `evil.example:${port}`;

  for (const origin of ["http://evil.example", "null", `http://localhost:${port + 1}`, "http://127.0.0.1"])
    expect(await importing({ origin }), origin).toEqual(refused);
  expect(await importing({ host })).toEqual(refused);
  expect(await importing({ host, origin: `http://${host}` })).toEqual(refused);
  for (const site of ["cross-site", "same-site", "none"])
    expect(await importing({ "sec-fetch-site": site }), site).toEqual(refused);
  expect(await ask(`${url}/probot`, "GET", { host })).toEqual(refused);
  for (const dest of ["image", "iframe", "empty"])
    expect(await ask(`${url}/probot/setup?code=x`, "GET", { "sec-fetch-dest": dest }), dest).toEqual(refused);
  expect(await importing({}, "no key")).toMatchObject({ status: 400, text: expect.stringContaining(".pem") });
  expect(await importing({}, standin.privateKey, "x")).toMatchObject({ status: 400 });
  expect(await importing({}, "x".repeat(100_000))).toMatchObject({ status: 413 });
  expect(existsSync(join(cwd, ".env"))).toBe(false);

  const own = {
    host: `localhost:${port}`,
    origin: `http://localhost:${port}`,
    "sec-fetch-site": "same-origin",
  };
  expect(await ask(`${url}/probot`, "GET", own)).toMatchObject({ status: 200 });
  expect(await importing(own)).toMatchObject({ status: 200 });
  expect(readEnv(cwd)).toMatchObject({ APP_ID: "4242" });
  await lockstep.waitForLog((line) => line.result === "cloned");
});

/** A stranger's App, just registered: the address that GitHub sends their browser to. */
async function strangersCode(standin: StandIn): Promise<string> {
  const manifest = JSON.stringify({
    ...{ name: "Evil", url: "http://evil.example", redirect_url: "http://evil.example/", public: false },
    ...{ hook_attributes: { url: "http://evil.example/" }, default_permissions: {}, default_events: [] },
  });
  const post = { method: "POST", redirect: "manual" } as const;
  await fetch(`${standin.url}/settings/apps/new`, { ...post, body: new URLSearchParams({ manifest }) });
  const created = await fetch(`${standin.url}/settings/apps/create`, post);
  return new URL(created.headers.get("location")!).searchParams.get("code")!;
}

test("a stranger's link registers nothing, whatever state it has; the page then still works", async () => {
  const standin = await gitHub();
  const cwd = tempDir();
  const { lockstep, url } = await start(cwd, settings(standin));
  const link = `${url}/probot/setup?code=${await strangersCode(standin)}`;
  const page = await (await fetch(`${url}/probot`)).text();
  const [, state = ""] = /<form action="[^"?]+\?state=([\w-]{43})" method="post"/.exec(page) ?? [];
  const other = `${state.slice(1)}${state[0] === "A" ? "B" : "A"}`;
  for (const wrong of ["", "&state", "&state=", `&state=${other}`, `&state=${other}&state=${state}`])
    expect(await ask(link + wrong, "GET", {}), wrong).toEqual({
      status: 403,
      text: expect.stringMatching(/does not belong to this setup page.*Open the setup page/),
    });
  const { tab } = await openTab();
  await tab.goto(link);
  await tab.getByText("Nothing was registered").waitFor();
  const conversions = () => standin.calls.filter(({ path }) => path.includes("/app-manifests/"));
  expect(conversions()).toEqual([]);
  expect(existsSync(join(cwd, ".env"))).toBe(false);

  await registerAt(url, lockstep);
  await lockstep.waitForLog((line) => line.result === "cloned");
  expect(conversions()).toHaveLength(1);
  expect(readEnv(cwd)).toMatchObject({ APP_ID: "4242" });
});

test("settings that are wrong are reported before there are credentials", async () => {
  const { code, err } = await cliIn(tempDir(), { REPOSITORIES: "acme", INTERVAL: "5" }, "start");
  expect([code, err]).toEqual([1, expect.stringMatching(/REPOSITORIES: .*\n.*INTERVAL: /s)]);
});

test("an unwritable directory for .env is reported before there are credentials", async () => {
  const cwd = tempDir();
  mkdirSync(join(cwd, ".env.new"));
  const answer = await cliIn(cwd, { PORT: String(await freePort()) }, "start");
  expect(answer).toMatchObject({
    code: 1,
    err: expect.stringMatching(/\.env cannot be written.*\n {2}→ start it in/),
  });
});
