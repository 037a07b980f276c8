import { existsSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createLayout } from "../../src/git/disk/layout.js";
import { createUpkeep } from "../../src/git/mirror/upkeep.js";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { hook, touch } from "../support/consumers.js";
import { plainGit, realGit } from "../support/git.js";
import { never } from "../support/mirror.js";
import { flawOf, release } from "../support/readers.js";
import { tempDir } from "../support/temp.js";
import { ageObjects, DAY_MS } from "../support/wear.js";

/** Lockstep with a pre-publish hook that waits while there is a file `block`. */
async function server() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const gate = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const repo = await standin.createRepository("acme", "app");
  await standin.commit(repo, "main", { files: release(0) });
  const dataDir = tempDir();
  const env = {
    ...{ API_TOKEN: "token-of-the-tests-0123456789", INTERVAL: "off", HISTORY: "mirror" },
    ...{ CHECKOUTS: "acme/*", CHECKOUT_GRACE: "1s", PRE_PUBLISH_HOOK: gate.file },
  };
  const start = async () => {
    const lockstep = await startLockstep({ standin, dataDir, env });
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  };
  const mirror = join(dataDir, "repos", String(repo.id), "mirror.git");
  /** Drops all that no ref reaches, as weeks of maintenance would. */
  async function prune() {
    const upkeep = createUpkeep({ git: realGit(), layout: createLayout(dataDir), timeoutMs: 60_000 });
    ageObjects(mirror);
    await upkeep.prune(repo.id, DAY_MS, never);
  }
  /** Moves main, by force, to a commit whose only ancestor is the first one. */
  async function force(n: number, to: string) {
    await standin.forcePush(repo, "main", to);
    const push = await standin.commit(repo, "main", { files: { ...release(n), "once/0": null } });
    return push;
  }
  const link = join(dataDir, "checkouts", "acme", "app");
  return { standin, repo, start, prune, force, mirror, link, gate };
}

async function shows(lockstep: Lockstep, sha: string): Promise<void> {
  const path = `/api/v1/repos/acme/app/contains/${sha}?in=checkout&wait=60s`;
  expect((await lockstep.api(path)).status).toBe(200);
}

const inMirror = async (lockstep: Lockstep, sha: string): Promise<void> =>
  expect((await lockstep.api(`/api/v1/repos/acme/app/contains/${sha}?wait=60s`)).status).toBe(200);

test("a kill and a prune while a commit is published that a forced push has replaced leave whole trees", async () => {
  const { standin, repo, start, prune, force, mirror, link, gate } = await server();
  let lockstep = await start();
  await lockstep.waitForLog((line) => line.event === "published");
  const first = (await standin.tips(repo)).get("refs/heads/main")!;
  await shows(lockstep, first);
  touch(gate.dir, "block");
  const asked = gate.runs().length;
  const pushed = await force(1, first);
  await standin.deliver(pushed, { to: lockstep.webhookUrl });
  await gate.until(() => gate.runs().length > asked);
  const next = await force(2, first);
  await standin.deliver(next, { to: lockstep.webhookUrl });
  await inMirror(lockstep, next.after);
  await lockstep.kill9();
  await prune();
  expect(await flawOf(realpathSync(link))).toBeNull();
  rmSync(join(gate.dir, "block"));
  lockstep = await start();
  await shows(lockstep, next.after);
  expect(await flawOf(realpathSync(link))).toBeNull();
  await lockstep.stop();
  expect(plainGit(mirror, "for-each-ref", "refs/lockstep")).toBe("");
});

test("kills at any step, each with a forced push and a prune, leave a whole tree of the last commit", async () => {
  const { standin, repo, start, prune, force, mirror, link } = await server();
  let lockstep = await start();
  await lockstep.waitForLog((line) => line.event === "published");
  const first = (await standin.tips(repo)).get("refs/heads/main")!;
  await shows(lockstep, first);
  for (let n = 1; n <= 6; n++) {
    const push = await force(n, first);
    await standin.deliver(push, { to: lockstep.webhookUrl });
    // The kill comes at any step of the refresh and of the publish.
    await sleep(Math.random() * 400);
    await lockstep.kill9();
    if (existsSync(mirror)) await prune();
    expect(await flawOf(realpathSync(link))).toBeNull();
    lockstep = await start();
    await shows(lockstep, push.after);
    expect(await flawOf(realpathSync(link))).toBeNull();
  }
  plainGit(mirror, "fsck", "--strict");
});
