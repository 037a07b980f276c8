import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { openTab, signIn } from "../support/browser.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

async function start() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  await standin.createRepository("acme", "app");
  const env = { API_TOKEN, INTERVAL: "off" };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  return lockstep;
}

test("a page whose server has ended says since when, calls nothing fresh, and asks to sign in when it is back", async () => {
  const lockstep = await start();
  const { tab } = await openTab();
  await signIn(tab, lockstep.url, API_TOKEN);
  const verdict = tab.locator(".verdict");
  await verdict.getByText("The repository is in step").waitFor();
  expect(await tab.title()).toBe("✓ all in step – Lockstep");
  // A server that ends before its script has come leaves a page that hears nothing.
  await tab.getByText(/^updated /).waitFor();
  await lockstep.kill9();
  await tab.getByText(/^No word from the server since \d\d:\d\d:\d\d$/).waitFor();
  expect(await verdict.isVisible()).toBe(false);
  expect(await tab.title()).toBe("? no word from the server – Lockstep");
  expect(await tab.locator("#icon").getAttribute("href")).toContain("icon-gone");
  await tab.getByText(/^last heard \d+(\.\d)? s ago$/).waitFor();
  expect(
    await tab
      .locator("main > [data-live]")
      .first()
      .evaluate((it) => it.ownerDocument.defaultView!.getComputedStyle(it).filter),
  ).toBe("grayscale(1)");
  expect(await tab.evaluate("document.querySelectorAll('.is-good').length")).toBeGreaterThan(0);
});

test("a server that hangs is as silent, and the page says when it is back", async () => {
  const lockstep = await start();
  const { tab } = await openTab();
  await signIn(tab, `${lockstep.url}/server`, API_TOKEN);
  const verdict = tab.locator("[data-verdict]");
  await verdict.waitFor();
  process.kill(lockstep.pid, "SIGSTOP");
  await tab.getByText(/No word from the server since/).waitFor();
  expect(await verdict.isVisible()).toBe(false);
  process.kill(lockstep.pid, "SIGCONT");
  await tab.getByText(/The server has been back since \d\d:\d\d:\d\d/).waitFor();
  await verdict.waitFor();
});

test("without JavaScript the page says when it was drawn", async () => {
  const from = Date.now();
  const lockstep = await start();
  const { tab } = await openTab({ javaScriptEnabled: false });
  await signIn(tab, lockstep.url, API_TOKEN);
  const drawn = await tab.locator("footer time").getAttribute("datetime");
  expect(Date.parse(drawn ?? "")).toBeGreaterThanOrEqual(from);
  expect(Date.parse(drawn ?? "")).toBeLessThanOrEqual(Date.now());
  expect(await tab.locator("#silence").isVisible()).toBe(false);
});
