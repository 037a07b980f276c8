import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

test("deliveries, refreshes and queue list what came in, what was done and what waits", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  await standin.pushAndDeliver(repo, "main", lockstep.webhookUrl);
  await lockstep.waitForLog((line) => line.event === "refreshed" && line.trigger === "push");
  const run = (...args: string[]) => cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, ...args);

  const deliveries = await run("deliveries", "--repository", "acme/app", "--outcome", "refreshed");
  expect(deliveries).toMatchObject({ code: 0, err: "" });
  expect(deliveries.out).toMatch(/^AGO +EVENT +REPOSITORY +OUTCOME .*\n\d+s +push +acme\/app +refreshed /);
  const { deliveries: page, next } = JSON.parse((await run("--json", "deliveries", "--limit", "1")).out);
  expect(page).toHaveLength(1);
  expect(next).toBe(null);
  expect(await run("deliveries", "--outcome", "none")).toMatchObject({
    code: 2,
    err: expect.stringContaining("open, refreshed, ignored"),
  });
  expect(await run("deliveries", "--repository", "app")).toMatchObject({
    code: 2,
    err: expect.stringContaining("owner/name"),
  });

  const refreshes = (await run("refreshes", "acme/app")).out;
  expect(refreshes).toMatch(/^AGO +TRIGGER +RESULT .*\n\S+ +push +changed +(word|name) +1 /);
  expect(refreshes).toMatch(/onboard +cloned +clone/);

  expect(await run("queue")).toMatchObject({ code: 0, out: "", err: "nothing waits, and nothing runs\n" });
  standin.faults.hangGit = true;
  await run("refresh", "acme/app", "--wait", "0s");
  expect((await run("queue")).out).toMatch(
    /^SUBJECT +TRIGGER +CLASS +STATE +TRIES +WAITS +FOR\nacme\/app +manual +short +(runs|due \S+) +\d+( +\d+s)?\n$/,
  );
  standin.faults.hangGit = false;
});
