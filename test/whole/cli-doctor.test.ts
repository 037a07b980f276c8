import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Finding } from "../../src/doctor/finding.js";
import { newPrivateKey, startStandIn } from "../../tools/standin/index.js";
import { cliIn } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

async function world() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const cwd = tempDir();
  const env = { ...standin.env(), DATA_DIR: tempDir(), MIN_FREE_DISK: "1MiB" };
  chmodSync(env.DATA_DIR, 0o750);
  const doctor = (more: Record<string, string> = {}, ...args: string[]) =>
    cliIn(cwd, { ...env, ...more }, ...args, "doctor");
  const findings = async (more: Record<string, string> = {}) => {
    const { code, out } = await doctor(more, "--json");
    const report = JSON.parse(out) as { ok: boolean; findings: Finding[] };
    expect(report.ok).toBe(code === 0);
    return report.findings;
  };
  return { standin, cwd, doctor, findings };
}

const bad = (findings: Finding[]) =>
  findings.filter(({ level, about }) => level !== "ok" && about !== "git" && about !== "node");

test("doctor finds no fault where there is none, and changes nothing", async () => {
  const { standin, cwd, doctor, findings } = await world();
  await standin.createRepository("acme", "app");
  Object.assign(standin.hookConfig, { url: "https://lockstep.example.com/api/github/webhooks" });
  standin.deliveries.record({ event: "push", statusCode: 202 });
  writeFileSync(join(cwd, ".env"), "");
  chmodSync(join(cwd, ".env"), 0o600);

  expect(bad(await findings())).toEqual([]);
  const report = await doctor();
  expect(report).toMatchObject({ code: 0, err: "" });
  expect(report.out).toMatch(/^ok +App: lockstep of acme: APP_ID and the private key match$/m);
  expect(report.out).toMatch(/^ok +installations: acme$/m);
  expect(report.out).not.toContain(standin.webhookSecret);
  expect(standin.calls.filter(({ method }) => method !== "GET")).toEqual([]);
});

test("doctor names each fault at GitHub with a remedy, and exits with 1", async () => {
  const { standin, cwd, findings } = await world();
  await standin.createRepository("acme", "app");
  standin.world.rights.permissions = { contents: "write", metadata: "read" };
  standin.world.rights.events = ["repository"];
  Object.assign(standin.hookConfig, { url: "https://lockstep.example.com/" });
  standin.deliveries.record({ statusCode: 202 });
  standin.deliveries.record({ statusCode: 401 });
  writeFileSync(join(cwd, ".env"), "");
  chmodSync(join(cwd, ".env"), 0o644);

  const found = bad(await findings());
  for (const finding of found) expect(finding.remedy, finding.detail).toBeTruthy();
  expect(found.map(({ about, level, detail }) => `${level} ${about}: ${detail}`)).toEqual([
    expect.stringContaining("fail .env: .env has mode 0644"),
    "fail App: does not receive push events",
    "warn App: may write (contents); Lockstep only reads",
    "fail installation of acme: does not receive push events",
    expect.stringContaining("fail webhook: GitHub sends webhooks to https://lockstep.example.com/, and"),
    "fail deliveries: the last ones: 1 × 401, 1 × 202",
  ]);

  standin.suspendInstallation([...standin.world.installations.values()][0]!);
  expect(bad(await findings())).toContainEqual(
    expect.objectContaining({ about: "installation of acme", detail: "is suspended" }),
  );
});

test("doctor checks as much as possible: another App's key, no GitHub, a faulty configuration", async () => {
  const { standin, findings } = await world();
  const other = await startStandIn({ privateKey: newPrivateKey() });
  onTestFinished(() => other.close());
  expect(bad(await findings({ PRIVATE_KEY: other.privateKey }))).toMatchObject([
    { about: "App", level: "fail", remedy: expect.stringContaining("PRIVATE_KEY") },
  ]);
  await standin.down();
  expect(bad(await findings())).toMatchObject([{ about: "network", level: "fail" }]);
  expect(bad(await findings({ INTERVAL: "1", APP_ID: "" })).map(({ about }) => about)).toEqual([
    ...["configuration", "configuration"],
  ]);
  expect(bad(await findings({ WEBHOOK_SECRET: "secret\n" }))).toMatchObject([
    { about: "configuration", level: "fail", detail: "WEBHOOK_SECRET: ends with a line end" },
  ]);
  expect((await findings({ GIT_BINARY: "/nowhere/git" })).find(({ about }) => about === "git")).toMatchObject(
    {
      level: "fail",
    },
  );
});
