import { join } from "node:path";
import Database from "libsql";
import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

const PUSHES = 40;

test("deliveries that were accepted together survive kill -9 right after the answers, and are refreshed", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const dataDir = tempDir();
  const start = async () => {
    const lockstep = await startLockstep({ standin, dataDir, env: { INTERVAL: "off" } });
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  };
  const first = await start();
  await first.waitForLog(({ event, result }) => event === "refreshed" && result === "cloned");
  // No push is refreshed before the kill.
  standin.faults.hangGit = true;
  const pushes = [];
  for (let n = 0; n < PUSHES; n++) pushes.push(await standin.commit(repo, `topic-${n}`));
  const answers = await Promise.all(pushes.map((push) => standin.deliver(push, { to: first.webhookUrl })));
  await first.kill9();
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));

  const db = new Database(join(dataDir, "lockstep.db"));
  const rows = db.prepare("SELECT id FROM deliveries WHERE outcome = 'accepted'").all() as { id: string }[];
  db.close();
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(answers.map(({ id }) => id)));

  standin.faults.hangGit = false;
  const second = await start();
  await second.waitForLog(({ event, changed }) => event === "refreshed" && Number(changed) >= PUSHES);
});
