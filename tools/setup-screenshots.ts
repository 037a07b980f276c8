import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { launchBrowser } from "./browser.js";
import { freePort } from "./lockstep.js";
import { accountWithoutApp, register, spawnStart } from "./register-app.js";
import { Releasers } from "./releasers.js";
import { startStandIn } from "./standin/index.js";

/** The pictures of docs/getting-started.md: npm run screenshots */
const releasers = new Releasers();
try {
  const dir = await mkdtemp(join(tmpdir(), "lockstep-pictures-"));
  releasers.add(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  await accountWithoutApp(standin, "acme", ["app", "docs", "site"]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { GHE_HOST: standin.host, GHE_PROTOCOL: "http", PUBLIC_URL: url };
  const lockstep = spawnStart(dir, port, env);
  releasers.add(() => lockstep.stop());
  await lockstep.waitForLog(({ msg }) => /^Lockstep has no GitHub App/.test(msg ?? ""), 30_000);
  const browser = await launchBrowser();
  releasers.add(() => browser.close());
  const context = await browser.newContext({
    viewport: { width: 1000, height: 620 },
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.screenshot({ path: "docs/images/setup.png" });
  await register(page, async () => {
    await lockstep.waitForLog(({ msg }) => /^Listening/.test(msg ?? ""), 30_000);
  });
  for (const name of ["app", "docs", "site"])
    await lockstep.waitForLog(
      (line) => line.repository === `acme/${name}` && line.result === "cloned",
      30_000,
    );
  await page.goto(url);
  const { API_TOKEN = "" } = parseEnv(await readFile(join(dir, ".env"), "utf8"));
  await page.getByLabel("API token").fill(API_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(/^updated /).waitFor();
  await page.screenshot({ path: "docs/images/setup-done.png" });
} finally {
  await releasers.release();
}
