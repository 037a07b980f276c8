import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { mirrorPath, waitForTip } from "../../tools/mirror.js";
import { type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import type { Shown } from "../support/state.js";
import { tempDir } from "../support/temp.js";

const TOKEN = "token-of-the-tests-0123456789";

/** The stand-in and one DATA_DIR; `start` runs Lockstep again after each kill. */
async function github() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const dataDir = tempDir();
  const start = async () => {
    const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN: TOKEN, INTERVAL: "10s" } });
    onTestFinished(async () => void (await lockstep.kill9()));
    return { lockstep, get: getter(lockstep) };
  };
  return { standin, dataDir, start, inStep: (repo: Repo) => inStep(standin, dataDir, repo) };
}

const getter =
  (lockstep: Lockstep) =>
  async (path: string): Promise<Shown> =>
    (await lockstep.api(path)).json();

/** Returns null while there is no mirror yet. */
function refsOf(dir: string): string[] {
  if (!existsSync(join(dir, "HEAD"))) return [];
  const format = "--format=%(refname) %(objectname)";
  return plainGit(dir, "for-each-ref", format, "refs/heads", "refs/tags").split("\n").filter(Boolean);
}

async function inStep(standin: StandIn, dataDir: string, repo: Repo): Promise<void> {
  const wanted = [...(await standin.tips(repo))].map(([ref, sha]) => `${ref} ${sha}`).sort();
  const refs = () => refsOf(mirrorPath(dataDir, repo.owner, repo.name)).sort();
  await expect.poll(refs, { interval: 100 }).toEqual(wanted);
}

test("everything that changed during a downtime without deliveries is found at the next start", async () => {
  const { standin, dataDir, start, inStep } = await github();
  const acme = standin.createInstallation("acme");
  const globex = standin.createInstallation("globex");
  const names = ["moved", "sold", "left", "forced", "quiet"];
  const [moved, sold, left, forced, quiet] = (await standin.createRepositories(acme, names)) as Repo[];
  let { lockstep, get } = await start();
  for (const repo of [moved!, sold!, left!, forced!, quiet!])
    await waitForTip(
      mirrorPath(dataDir, "acme", repo.name),
      "refs/heads/main",
      await standin.tip(repo, "refs/heads/main"),
    );
  await expect
    .poll(() => get("/api/v1/status"))
    .toMatchObject({ queue: { depth: 0 }, repositories: { fresh: 5 } });
  await lockstep.kill9();

  const lost = async (event: string, payload: Record<string, unknown>) =>
    void (await standin.deliverEvent(event, payload, {}));
  standin.renameRepository(moved!, "renamed");
  await lost("repository", standin.eventFor("repository", "renamed", { repo: moved! }));
  standin.transferRepository(sold!, globex, "globex");
  standin.removeRepository(left!);
  const first = await standin.commit(forced!, "main");
  await standin.deliver(first, {});
  await standin.deliver(await standin.forcePush(forced!, "main", first.before), {});
  const [fresh] = (await standin.createRepositories(acme, ["fresh"])) as [Repo];
  standin.suspendInstallation(globex);

  ({ lockstep, get } = await start());
  for (const repo of [moved!, forced!, quiet!, fresh]) await inStep(repo);
  expect(readlinkSync(mirrorPath(dataDir, "acme", "renamed"))).toBe(
    join("..", "..", "repos", String(moved!.id), "mirror.git"),
  );
  await expect.poll(() => get("/api/v1/repos/acme/left")).toMatchObject({ state: "gone" });
  await expect.poll(() => get("/freshz")).toMatchObject({ problems: [{ code: "installation_suspended" }] });
  // The buyer's installation is suspended and hides the repository, so the mirror waits.
  expect(refsOf(join(dataDir, "repos", String(sold!.id), "mirror.git"))).toHaveLength(1);

  standin.suspendInstallation(globex, false);
  await inStep(sold!);
  await expect.poll(() => get("/api/v1/repos/globex/sold")).toMatchObject({ state: "fresh" });
  const kept = await get("/api/v1/repos/acme/forced");
  expect(kept.heads["refs/heads/main"]).toBe(first.before);
  await expect.poll(() => get("/freshz")).toMatchObject({ status: "fresh" });
});

test("a delivery that GitHub could not make is found within an interval; late and repeated ones do no harm", async () => {
  const { standin, start, inStep } = await github();
  const { lockstep, get } = await start();
  const acme = standin.createInstallation("acme");
  const [repo] = (await standin.createRepositories(acme, ["late"])) as [Repo];
  const created = standin.eventFor("repository", "created", { repo });
  await standin.deliverEvent("repository", created, { to: lockstep.webhookUrl });
  await inStep(repo);
  const pushes = [];
  for (let n = 0; n < 6; n += 1) pushes.push(await standin.commit(repo, "main"));
  const [a, b, c, d, e, f] = pushes as [(typeof pushes)[0], ...typeof pushes];
  await standin.deliver(a, {});
  for (const push of [d!, b!, d!, c!, e!]) await standin.deliver(push, { to: lockstep.webhookUrl });
  await standin.deliver(f!, {});
  await inStep(repo);
  await standin.deliver(a, { to: lockstep.webhookUrl });
  await expect.poll(() => get("/api/v1/status")).toMatchObject({ queue: { depth: 0 } });
  await inStep(repo);
});
