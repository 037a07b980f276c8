import { expect, onTestFinished, test } from "vitest";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const LINE = /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] (TRACE|DEBUG|INFO|WARN|ERROR): \S/;

/** One push, two requests and a stop, logged at a level; a text line becomes the `msg` of its entry. */
async function run(env: Record<string, string>) {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const settings = { API_TOKEN, INTERVAL: "off", LOG_FORMAT: "pretty", ...env };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: settings });
  onTestFinished(async () => void (await lockstep.kill9()));
  await says(lockstep, "result=cloned");
  const push = await standin.commit(repo, "main");
  await standin.deliver(push, { to: lockstep.webhookUrl });
  await says(lockstep, "trigger=push");
  await fetch(`${lockstep.url}/no/such/path?token=secret`, { headers: { "x-of-a-client": "secret" } });
  await lockstep.stop();
  return lockstep.log.map(({ msg }) => String(msg));
}

const says = (lockstep: Lockstep, words: string) =>
  lockstep.waitForLog(({ msg }) => msg?.includes(words) === true);

test("pretty: each line has a time, a level and one entry, also Probot's; no request is logged at info", async () => {
  const lines = await run({});
  for (const line of lines) expect(line).toMatch(LINE);
  for (const words of ["Listening on", "event=refreshed repository=acme/app", "event=stopped"])
    expect(lines.join("\n")).toContain(words);
  expect(lines.filter((line) => /POST|GET/.test(line))).toEqual([]);
});

test("at debug each request has one short line", async () => {
  const lines = await run({ LOG_LEVEL: "debug" });
  for (const line of lines) expect(line).toMatch(LINE);
  const requests = lines.filter((line) => line.includes("event=request_answered"));
  expect(requests.join("\n")).toContain("POST /api/github/webhooks 202");
  expect(requests.join("\n")).toContain("GET /no/such/path 404");
  for (const line of requests) expect(line.length).toBeLessThan(300);
  expect(lines.join("\n")).not.toMatch(/secret|sha256=/);
});
