import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startLockstep } from "./lockstep.js";
import { mirrorPath, waitForTip } from "./mirror.js";
import { Releasers } from "./releasers.js";
import { startStandIn } from "./standin/index.js";

/** One push brought through by Lockstep under another Node: node .build/tools/smoke.js --node <binary> */
const { values } = parseArgs({ options: { node: { type: "string", default: process.execPath } } });
const releasers = new Releasers();
try {
  const dataDir = await mkdtemp(join(tmpdir(), "lockstep-smoke-"));
  releasers.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const lockstep = await startLockstep({ standin, dataDir, node: values.node });
  releasers.add(() => lockstep.stop());
  const mirror = mirrorPath(dataDir, repo.owner, repo.name);
  await waitForTip(mirror, "refs/heads/main", await standin.tip(repo, "refs/heads/main"), 60_000);
  const push = await standin.commit(repo, "main");
  await standin.deliver(push, { to: lockstep.webhookUrl });
  await waitForTip(mirror, push.ref, push.after, 60_000);
  const running = lockstep.log.find((line) => line.msg?.startsWith("Running Probot"));
  console.log(`${running?.msg}: one push brought through`);
} finally {
  await releasers.release();
}
