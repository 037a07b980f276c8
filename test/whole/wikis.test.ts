import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { wikiIdOf } from "../../src/base/wikis.js";
import { freePort, type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { refsInFiles } from "../../tools/refs-in-files.js";
import { type Repo, type StandIn, startStandIn, type WikiEdit } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { createCluster } from "../support/nodes.js";
import { withToken } from "../support/rights.js";
import { readerDir, readerGit } from "../support/served.js";
import { tempDir } from "../support/temp.js";

/** Waits until a refresh of the wiki has changed refs. */
const changed = (lockstep: Lockstep) =>
  lockstep.waitForLog(
    ({ event, repository, changed }) =>
      event === "refreshed" && repository === "acme/app.wiki" && Number(changed) > 0,
  );

async function deliver(standin: StandIn, lockstep: Lockstep, edit: WikiEdit): Promise<void> {
  const payload = standin.eventFor("gollum", "edited", edit);
  const { status } = await standin.deliverEvent("gollum", payload, { to: lockstep.webhookUrl });
  expect(status).toBe(202);
}

/** Clones as a reader does. @returns the tip of the wiki */
async function clone(url: string, token: string): Promise<string> {
  const dir = readerDir();
  const header = `http.extraHeader=Authorization: ${withToken(token)}`;
  await readerGit(readerDir(), "-c", header, "clone", "-q", "--bare", url, dir);
  return plainGit(dir, "rev-parse", "HEAD");
}

test("the first page after the installation is mirrored, and served to readers of the repository alone", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const app = await standin.createRepository("acme", "app");
  const other = await standin.createRepository("globex", "site");
  const port = await freePort();
  const env = {
    API_TOKEN: "token-of-the-tests-0123456789",
    WIKIS: "yes",
    INTERVAL: "off",
    SERVE_PORT: String(port),
    READERS: "github,token",
  };
  const dataDir = tempDir();
  const lockstep = await startLockstep({ standin, dataDir, env });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog(
    ({ event, repository, result }) =>
      event === "refreshed" && repository === "acme/app.wiki" && result === "cloned",
  );
  const freshz = async () => (await lockstep.api("/freshz")).status;
  await expect.poll(freshz, { interval: 200 }).toBe(200);

  const first = await standin.writePage(app, "Home", "hello");
  const moved = changed(lockstep);
  await deliver(standin, lockstep, first);
  await moved;
  const tip = first.pages[0]!.sha;
  expect(plainGit(join(dataDir, "mirrors/acme/app.wiki.git"), "rev-parse", "HEAD")).toBe(tip);

  const url = `http://127.0.0.1:${port}/acme/app.wiki.git`;
  const token = (repo: Repo) => standin.world.mintToken(repo.installation!).token;
  const own = async (name: string, repositories: string[]) => {
    const body = JSON.stringify({ name, scopes: ["git"], repositories });
    const made = await lockstep.api("/api/v1/tokens", { method: "POST", body });
    return ((await made.json()) as { secret: string }).secret;
  };
  expect(await clone(url, token(app))).toBe(tip);
  expect(await clone(url, await own("of-app", ["acme/app"]))).toBe(tip);
  await expect(clone(url, token(other))).rejects.toThrow(/not found/);
  await expect(clone(url, await own("of-others", ["acme/*", "!acme/app"]))).rejects.toThrow(/not found/);
});

test("in a cluster a wiki lies with its repository, whichever node hears of an edit", async () => {
  const cluster = await createCluster({ WIKIS: "yes", INTERVAL: "10s" });
  const { standin } = cluster;
  const installation = standin.createInstallation("acme");
  const repos = await standin.createRepositories(installation, ["r0", "r1", "r2", "r3", "r4", "r5"]);
  const nodes = [await cluster.start("a"), await cluster.start("b")];
  await expect.poll(() => cluster.faults(repos), { interval: 200 }).toEqual([]);
  for (const repo of repos) {
    const owner = cluster.node(cluster.ownersOf(repo)[0]!);
    const other = nodes.find((node) => node !== owner)!;
    const edit = await standin.writePage(repo, "Home", repo.name);
    await deliver(standin, other.lockstep, edit);
    const mirror = join(owner.dataDir, "repos", String(wikiIdOf(repo.id)), "mirror.git");
    await expect
      .poll(() => refsInFiles(mirror), { interval: 100 })
      .toEqual(new Map([["refs/heads/master", edit.pages[0]!.sha]]));
  }
});
