import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSurroundings } from "../../src/config/load.js";
import { SUBSCRIPTIONS } from "../../src/deliveries/events.js";
import { checkApp, judgeClock, type Needs, skewBetween } from "../../src/doctor/app.js";
import { checkDataDir } from "../../src/doctor/data-dir.js";
import { checkDisk, checkSecrets } from "../../src/doctor/files.js";
import { parseGitVersion, unfixed } from "../../src/doctor/git-fixes.js";
import { checkNode, checkProxies, judgeGit } from "../../src/doctor/machine.js";
import { judgeDeliveries, judgeHook, judgeLoggedHook } from "../../src/doctor/webhook.js";
import type { AppRights, Inspector } from "../../src/github/inspect.js";
import { tempDir } from "../support/temp.js";

const open = (version: string) => unfixed(parseGitVersion(version)!);

test("a git is judged by its own line's patch release", () => {
  expect(open("2.43.7")).not.toContain("CVE-2025-48384");
  expect(open("2.43.6")).toContain("CVE-2025-48384");
  expect(open("2.43.6")).not.toContain("CVE-2024-50349");
  expect(open("2.39.5")).toEqual(expect.arrayContaining(["CVE-2024-50349", "CVE-2025-48385"]));
  expect(open("2.39.5")).not.toContain("CVE-2024-32002");
  expect(open("2.38.0")).toContain("CVE-2022-23521");
  expect(open("2.40.0")).not.toContain("CVE-2022-23521");
  expect(open("2.51.2")).toContain("CVE-2026-111760");
  expect(open("2.51.3")).toEqual([]);
  expect(open("2.56.0")).toContain("CVE-2026-111760");
  for (const version of ["2.53.0", "2.56.1", "2.57.0", "3.0.0"]) expect(open(version)).toEqual([]);
  expect(judgeGit("2.37.9")).toMatchObject({ level: "fail" });
  expect(judgeGit("2.50.1 (Apple Git-155)")).toMatchObject({ level: "warn" });
  expect(judgeGit("2.51.3")).toMatchObject({ level: "ok" });
  expect(judgeGit("no version")).toMatchObject({ level: "fail" });
});

test("node and clock", () => {
  expect(checkNode("20.18.0").level).toBe("fail");
  expect(checkNode("21.9.0").level).toBe("fail");
  expect(checkNode("20.18.1").level).toBe("warn");
  expect(checkNode("22.0.0").level).toBe("ok");
  expect(judgeClock(900).level).toBe("ok");
  expect(judgeClock(-30_000)).toMatchObject({ level: "warn", detail: "30 s behind GitHub's" });
  expect(judgeClock(90_000)).toMatchObject({ level: "fail", detail: "90 s ahead of GitHub's" });
});

/** The findings for an App with these permissions, and one installation with the same ones. */
async function findingsOf(rights: AppRights, needs: Needs) {
  const installation = { id: 1, login: "acme", suspended: false, ...rights };
  const findings = await checkApp(
    {
      app: async () => ({ slug: "lockstep", owner: "acme", ...rights }),
      installations: async () => [installation],
    } as Inspector,
    needs,
  );
  return findings.filter(({ level }) => level !== "ok");
}

const HEADS = { pullRequests: false, properties: false, wikis: false };
const PULLS = { ...HEADS, pullRequests: true };
const ofEveryApp = [...SUBSCRIPTIONS].filter(([, subscription]) => subscription.for === "every App");
const RIGHTS = { permissions: { contents: "read" }, events: ofEveryApp.map(([event]) => event) };
const WHERE = "in the App's settings under Permissions & events";

test("a slow answer is no skew: GitHub read its clock between the question and the answer", () => {
  expect(skewBetween(1_000_000, 1_003_000, 1_030_000)).toBe(0);
  expect(skewBetween(1_000_900, 1_000_000, 1_001_000)).toBe(0);
  expect(skewBetween(1_060_000, 1_000_000, 1_061_000)).toBe(60_000);
  expect(skewBetween(1_000_000, 1_060_000, 1_001_000)).toBe(-59_000);
});

test("an App with the permissions of app.yml is well, unless REFSPECS has refs of pull requests", async () => {
  expect(await findingsOf(RIGHTS, HEADS)).toEqual([]);
  const missing = {
    about: "App",
    level: "warn",
    detail:
      "does not receive pull_request events: refs like these are not updated until the next full comparison",
    remedy: `set Pull requests to Read-only and subscribe to Pull request ${WHERE}`,
  };
  expect(await findingsOf(RIGHTS, PULLS)).toEqual([missing]);
  const events = [...RIGHTS.events, "pull_request"];
  expect(await findingsOf({ ...RIGHTS, events }, PULLS)).toEqual([missing]);
  const permissions = { ...RIGHTS.permissions, pull_requests: "read" };
  expect(await findingsOf({ permissions, events }, PULLS)).toEqual([]);
});

test("an App whose REPOSITORIES asks for custom properties is told of the permission and the event", async () => {
  const needs = { ...HEADS, properties: true };
  const detail =
    "does not receive custom_property_values events: changed properties count from the next backstop pass";
  const remedy = `set Custom properties to Read-only and subscribe to Custom property values ${WHERE}`;
  expect(await findingsOf(RIGHTS, needs)).toEqual([{ about: "App", level: "warn", detail, remedy }]);
  const permissions = { ...RIGHTS.permissions, organization_custom_properties: "read" };
  const events = [...RIGHTS.events, "custom_property_values"];
  expect(await findingsOf({ permissions, events }, needs)).toEqual([]);
});

test("an App whose WIKIS is set is told of the event", async () => {
  const needs = { ...HEADS, wikis: true };
  const detail =
    "does not receive gollum events: edited wikis are not refreshed until the next backstop pass";
  const remedy = `set Contents to Read-only and subscribe to Wiki ${WHERE}`;
  expect(await findingsOf(RIGHTS, needs)).toEqual([{ about: "App", level: "warn", detail, remedy }]);
  expect(await findingsOf({ ...RIGHTS, events: [...RIGHTS.events, "gollum"] }, needs)).toEqual([]);
});

test("missing permissions of an App or an installation are named, with the place to set them", async () => {
  const accept = "ask the owner of acme to accept the App's new permissions";
  expect(await findingsOf({ permissions: {}, events: [] }, HEADS)).toEqual([
    {
      about: "App",
      level: "fail",
      detail: "cannot read contents",
      remedy: `set Contents to Read-only ${WHERE}`,
    },
    {
      about: "App",
      level: "fail",
      detail: "does not receive push events",
      remedy: `subscribe to Push ${WHERE}`,
    },
    {
      about: "App",
      level: "warn",
      detail: "does not receive repository events: renames are not applied until the next backstop pass",
      remedy: `subscribe to Repository ${WHERE}`,
    },
    { about: "installation of acme", level: "fail", detail: "cannot read contents", remedy: accept },
    { about: "installation of acme", level: "fail", detail: "does not receive push events", remedy: accept },
  ]);
});

test("a proxy is shown without its password, and an invalid one fails", () => {
  const found = checkProxies(
    loadSurroundings({ HTTPS_PROXY: "http://me:secret-of-mine@proxy:3128", no_proxy: "localhost" }),
  );
  expect(found.map(({ detail }) => detail)).toEqual([
    "HTTPS_PROXY: http://proxy:3128",
    "NO_PROXY: localhost",
  ]);
  expect(checkProxies(loadSurroundings({ HTTPS_PROXY: "proxy" }))).toMatchObject([{ level: "fail" }]);
  const missing = loadSurroundings({ NODE_EXTRA_CA_CERTS: "/nowhere/ca.pem" });
  expect(checkProxies(missing)).toMatchObject([{ about: "certificates", level: "fail" }]);
});

test("secrets that others may read, and an unusable DATA_DIR, are found", () => {
  const dir = tempDir();
  const key = join(dir, "key.pem");
  const around = (DATA_DIR: string) => loadSurroundings({ PRIVATE_KEY_PATH: key, DATA_DIR });
  const levelOf = (mode: number) => {
    writeFileSync(key, "");
    chmodSync(key, mode);
    return checkSecrets(around(dir))[0];
  };
  expect(levelOf(0o600)).toMatchObject({ about: "private key", level: "ok" });
  expect(levelOf(0o640)).toMatchObject({ level: "warn", remedy: `chmod 600 ${key}` });
  expect(levelOf(0o644)).toMatchObject({ level: "fail" });

  expect(checkDataDir(around(join(dir, "a/b")))).toMatchObject({ level: "ok" });
  expect(checkDataDir(around(key))).toMatchObject({ level: "fail" });
  const data = join(dir, "data");
  mkdirSync(data);
  chmodSync(data, 0o755);
  expect(checkDataDir(around(data))).toMatchObject({ level: "warn" });
  chmodSync(data, 0o750);
  expect(checkDataDir(around(data))).toMatchObject({ level: "ok" });
  expect(checkDisk(around(data), 1)).toMatchObject({ level: "ok" });
  expect(checkDisk(around(data), 2 ** 60)).toMatchObject({ level: "fail" });
});

const SETTINGS = {
  deliveries: "webhook",
  webhookSecrets: ["secret"],
  webhookPaths: ["/api/github/webhooks", "/api/v1/webhooks/github"],
  publicUrl: "https://lockstep.example.com",
} as const;

test("the App's webhook URL is compared with the one served here", () => {
  const url = "https://lockstep.example.com/api/github/webhooks";
  const judge = (hook: object, settings: object = {}) =>
    judgeHook({ url, verifiesTls: true, hasSecret: true, ...hook }, { ...SETTINGS, ...settings });
  expect(judge({})).toMatchObject([{ level: "ok" }]);
  expect(judge({ url: "https://lockstep.example.com/" })).toMatchObject([{ level: "fail" }]);
  expect(judge({ url: "" })).toMatchObject([{ level: "fail", detail: "the App has no webhook URL" }]);
  expect(judge({ url: url.replace("lockstep.", "other.") })).toMatchObject([{ level: "warn" }]);
  expect(judge({ hasSecret: false })).toMatchObject([{ level: "ok" }, { level: "fail" }]);
  expect(judge({}, { webhookSecrets: [] })).toMatchObject([{ level: "ok" }, { level: "fail" }]);
  expect(judge({ verifiesTls: false })).toMatchObject([{ level: "ok" }, { level: "warn" }]);
});

test("with DELIVERIES=pull the App's webhook needs a URL, wherever it leads", () => {
  expect(judgeLoggedHook({ url: "https://lockstep.invalid/" })).toMatchObject({ level: "ok" });
  expect(judgeLoggedHook({ url: "" })).toMatchObject({
    level: "fail",
    remedy: expect.stringContaining("activate the App's webhook"),
  });
});

test("the last deliveries show the present state", () => {
  const of = (...statuses: number[]) =>
    judgeDeliveries(
      statuses.map((statusCode) => ({ event: "push", deliveredAt: 0, statusCode })),
      "webhook",
    );
  expect(of()).toMatchObject({ level: "warn" });
  expect(of(202, 204)).toMatchObject({ level: "ok", detail: "the last ones: 1 × 202, 1 × 204" });
  expect(of(202, 502)).toMatchObject({ level: "warn", remedy: expect.stringContaining("DNS") });
  expect(of(401, 202)).toMatchObject({ level: "fail", remedy: expect.stringContaining("WEBHOOK_SECRET") });
  expect(of(404)).toMatchObject({ level: "fail", remedy: expect.stringContaining("WEBHOOK_PATH") });
});
