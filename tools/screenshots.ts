import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { launchBrowser } from "./browser.js";
import { inventFigures } from "./invented-figures.js";
import { type Lockstep, startLockstep } from "./lockstep.js";
import { Releasers } from "./releasers.js";
import { type Repo, type StandIn, startStandIn } from "./standin/index.js";

/** The pictures of docs/page.md: npm run screenshots */
const API_TOKEN = "token-of-the-screenshots";
/** Where a server has its mirrors. The script's own are in a directory that nobody else has. */
const DATA_DIR = "/var/lib/lockstep";
const MINUTE_MS = 60_000;
const NAMES = ["api", "billing", "docs", "ios-app", "search", "web"];
const WIDE = { width: 1440, height: 1000 };
const PHONE = { width: 390, height: 844 };
const VIEWS: { file: string; path: string; options: BrowserContextOptions }[] = [
  { file: "page", path: "/", options: { viewport: WIDE } },
  { file: "page-dark", path: "/", options: { viewport: WIDE, colorScheme: "dark" } },
  { file: "page-repositories", path: "/repositories", options: { viewport: { width: 1280, height: 480 } } },
  {
    file: "page-repository",
    path: "/repos/acme/api",
    options: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  },
  { file: "page-deliveries", path: "/deliveries", options: { viewport: { width: 1280, height: 560 } } },
  { file: "page-phone", path: "/", options: { viewport: PHONE } },
];

const releasers = new Releasers();
try {
  const dataDir = await mkdtemp(join(tmpdir(), "lockstep-pictures-"));
  releasers.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const repos = [];
  for (const name of NAMES) repos.push(await standin.createRepository("acme", name));
  const env = { API_TOKEN, CHECKOUTS: "acme/docs,acme/api" };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  await play(standin, lockstep, repos);
  // Once the figures of a minute are written they are replaced: those of a busy machine would flatten the charts.
  await sleep(2 * MINUTE_MS - (Date.now() % MINUTE_MS));
  inventFigures(join(dataDir, "lockstep.db"));
  const browser = await launchBrowser();
  releasers.add(() => browser.close());
  for (const view of VIEWS) await shoot(browser, lockstep.url, dataDir, view);
} finally {
  await releasers.release();
}

/** Produces something to see: pushes, a forced push, a pause, a failure. */
async function play(standin: StandIn, lockstep: Lockstep, repos: Repo[]): Promise<void> {
  const done = (repo: Repo, words: Record<string, unknown>) =>
    lockstep.waitForLog(
      (line) =>
        line.repository === `acme/${repo.name}` &&
        Object.entries(words).every(([key, is]) => line[key] === is),
      30_000,
    );
  await Promise.all(repos.map((repo) => done(repo, { result: "cloned" })));
  const [api, billing, , , search] = repos as [Repo, Repo, Repo, Repo, Repo];
  const to = { to: lockstep.webhookUrl };
  for (const push of [
    await standin.commit(api, "main"),
    await standin.createBranch(api, "release/2.1"),
    await standin.forcePush(api, "main", { orphan: true }),
  ]) {
    const { id } = await standin.deliver(push, to);
    await done(api, { event: "refreshed", deliveryId: id });
  }
  await standin.deliverEvent("watch", { action: "started", repository: { id: api.id } }, to);
  await lockstep.api("/api/v1/repos/acme/billing/pause", { method: "POST" });
  await standin.deliver(await standin.commit(billing, "main"), to);
  standin.faults.gitStatus = { status: 503, times: 1_000 };
  await standin.deliver(await standin.commit(search, "main"), to);
  await done(search, { event: "refresh_failed" });
}

async function shoot(
  browser: Browser,
  url: string,
  dataDir: string,
  { file, path, options }: (typeof VIEWS)[number],
) {
  const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(url + path);
  await page.getByLabel("API token").fill(API_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(/^updated /).waitFor();
  await page.evaluate(
    `for (const code of document.querySelectorAll("code"))
      code.textContent = code.textContent.replace(${JSON.stringify(dataDir)}, ${JSON.stringify(DATA_DIR)});`,
  );
  await page.screenshot({ path: `docs/images/${file}.png` });
  await context.close();
  console.log(`docs/images/${file}.png`);
}
