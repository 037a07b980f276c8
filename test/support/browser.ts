import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { launchBrowser } from "../../tools/browser.js";

/** What has not appeared by then never does, however busy the machine is. */
const HANGS_MS = 180_000;

/**
 * A tab in a browser of its own, and the errors it reported: scripts, styles or calls that the CSP refused.
 */
export async function openTab(
  options: BrowserContextOptions = {},
): Promise<{ tab: Page; complaints: string[] }> {
  const browser: Browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const context = await browser.newContext(options);
  context.setDefaultTimeout(HANGS_MS);
  const tab = await context.newPage();
  const complaints: string[] = [];
  // A refused sign-in is an answer, not an error.
  tab.on("console", (line) => {
    if (line.type() === "error" && !/status of 4\d\d/.test(line.text())) complaints.push(line.text());
  });
  tab.on("pageerror", (error) => void complaints.push(error.message));
  return { tab, complaints };
}

export async function signIn(tab: Page, url: string, token: string): Promise<void> {
  await tab.goto(url);
  await tab.getByLabel("API token").fill(token);
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.getByRole("button", { name: "Sign out" }).waitFor();
}

/** Checks accessibility with axe: https://www.deque.com/axe/ */
export async function barriers(tab: Page): Promise<string[]> {
  // The debugger evaluates the script, so no Content-Security-Policy applies.
  if (!(await tab.evaluate("'axe' in window"))) await tab.evaluate(axe.source);
  const found = (await tab.evaluate("axe.run()")) as axe.AxeResults;
  expect(found.passes.length).toBeGreaterThan(5);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
