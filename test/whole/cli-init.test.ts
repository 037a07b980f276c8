import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { cliIn } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

/** A directory with a key, and `lockstep init` in it, without a terminal. */
function setUp(key = pem) {
  const dir = tempDir();
  const file = join(dir, ".env");
  writeFileSync(join(dir, "key.pem"), key, { mode: 0o600 });
  const init = (...args: string[]) => cliIn(dir, {}, "init", ...args);
  return { dir, file, init, read: () => parseEnv(readFileSync(file, "utf8")) };
}

const GIVEN = ["--app-id", "4242", "--key", "key.pem"];

test("by options alone: .env for its owner only, with new secrets, and the next steps", async () => {
  const { dir, file, init, read } = setUp();
  const call = await init(
    ...GIVEN,
    "--public-url",
    "https://mirror.example.com",
    "--set",
    "REPOSITORIES=acme/*",
  );
  expect(call).toMatchObject({ code: 0, err: "" });
  expect(call.out).toMatch(/Next:\n {2}1\..*webhook URL[\s\S]*lockstep doctor/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const env = read();
  expect(env).toMatchObject({
    APP_ID: "4242",
    PRIVATE_KEY_PATH: join(dir, "key.pem"),
    PUBLIC_URL: "https://mirror.example.com",
    REPOSITORIES: "acme/*",
  });
  for (const name of ["WEBHOOK_SECRET", "API_TOKEN"]) {
    expect(env[name]).toMatch(/^[\da-f]{64}$/);
    expect(call.out).not.toContain(env[name]);
  }
});

test("what .env has stays, unless --replace is given", async () => {
  const { file, init, read } = setUp();
  const before = "# mine\nAPP_ID=1\nAPI_TOKEN=token-of-the-tests-0123456789\n";
  writeFileSync(file, before);
  const refused = await init(...GIVEN, "--pull");
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringMatching(/APP_ID.*nothing is written[\s\S]*--replace/),
  });
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(await init(...GIVEN, "--pull", "--replace")).toMatchObject({ code: 0 });
  expect(read()).toMatchObject({
    APP_ID: "4242",
    DELIVERIES: "pull",
    API_TOKEN: "token-of-the-tests-0123456789",
  });
  expect(readFileSync(file, "utf8")).toMatch(/^# mine\n/);
});

test("a wrong key and wrong variables are told together, and nothing is written", async () => {
  const { file, init } = setUp("no key");
  const call = await init("--app-id", "x", "--key", "key.pem", "--pull", "--set", "INTERVAL=5");
  expect(call.code).toBe(1);
  for (const name of ["APP_ID", "PRIVATE_KEY_PATH", "INTERVAL"]) expect(call.err).toContain(name);
  expect(existsSync(file)).toBe(false);
});

test("a secret with a line end in its file is taken without it", async () => {
  const { dir, init, read } = setUp();
  writeFileSync(join(dir, "secret"), "secret-of-the-app-0123456789\n");
  const call = await init(...GIVEN, "--pull", "--secret-file", "secret");
  expect(call).toMatchObject({ code: 0, err: "" });
  expect(read().WEBHOOK_SECRET).toBe("secret-of-the-app-0123456789");
});

test("a nearly right name is not written, and neither is anything else", async () => {
  const { file, init } = setUp();
  const call = await init(...GIVEN, "--pull", "--set", "REPOSITORYS=acme/*");
  expect(call).toMatchObject({ code: 2, out: "" });
  expect(call.err).toContain("write REPOSITORIES");
  expect(existsSync(file)).toBe(false);
});

test("a variable without a value is told how to be written", async () => {
  const { init } = setUp();
  const wrong = await init(...GIVEN, "--set", "REPOSITORIES");
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("not of the form NAME=value") });
});

test("at a terminal it asks for what no option gives", async () => {
  const { dir, read } = setUp();
  const command = `${process.execPath} ${fileURLToPath(new URL("../../lib/cli.js", import.meta.url))} init`;
  const env = { PATH: process.env.PATH, TERM: "dumb", SHELL: "/bin/sh" };
  const child = spawn("script", ["-qefc", command, "/dev/null"], { cwd: dir, env });
  onTestFinished(() => void child.kill("SIGKILL"));
  let seen = "";
  child.stdout.on("data", (text) => {
    seen += text;
  });
  const answer = async (question: string, text: string) => {
    while (!seen.includes(question)) await once(child.stdout, "data");
    child.stdin.write(`${text}\n`);
  };
  await answer("App ID", "4242");
  await answer("private key", "key.pem");
  await answer("as GitHub sees it", "");
  expect(await once(child, "close")).toEqual([0, null]);
  expect(seen).toContain("lockstep doctor");
  expect(read()).toMatchObject({ APP_ID: "4242", DELIVERIES: "pull" });
});

test("without a terminal and without options it says what it needs", async () => {
  expect(await setUp().init()).toMatchObject({ code: 2, err: expect.stringContaining("--app-id and --key") });
});
