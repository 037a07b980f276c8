import { EventEmitter } from "node:events";
import type { Locator } from "playwright-core";
import { expect, test } from "vitest";
import type { ApiPorts } from "../../src/http/api.js";
import type { DeliveryView } from "../../src/http/log-view.js";
import { TOKEN } from "../support/api.js";
import { openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { sceneOf } from "../support/scenes.js";

/** Opens a page that shows another scene after `change`. */
async function open(path: string, first: ApiPorts) {
  const newEvents = new EventEmitter();
  let now = first;
  const ports: ApiPorts = {
    ...first,
    events: { ...first.events, newEvents },
    status: () => now.status(),
    trends: (span) => now.trends(span),
    activity: (...args) => now.activity(...args),
    ranked: (query) => now.ranked(query),
    deliveries: (query) => now.deliveries(query),
  };
  const { base } = await startPage({ ports });
  const { tab, complaints } = await openTab({ viewport: { width: 1280, height: 700 } });
  await signIn(tab, base + path, TOKEN);
  await tab.getByText(/^updated /).waitFor();
  const change = (next: ApiPorts) => {
    now = next;
    newEvents.emit("event");
  };
  return { tab, complaints, change };
}

const AT = "2024-01-01T00:00:00.000Z";

const topOf = async (it: Locator) => Math.round((await it.boundingBox())!.y);

test("an open page of an App that is installed nowhere becomes the overview with the first repository", async () => {
  const { tab, complaints, change } = await open("/", sceneOf("healthy", 0));
  await tab.getByText("choose its repositories").waitFor();
  change(sceneOf("healthy", 3));
  await tab.getByRole("img", { name: /^Push to mirror, last day/ }).waitFor();
  expect(await tab.getByText("choose its repositories").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("a delivery that comes does not move the one that somebody points at, and is shown afterwards", async () => {
  const scene = sceneOf("healthy", 3);
  const { deliveries } = await scene.deliveries({ limit: 50 } as never);
  const [first] = deliveries as [DeliveryView];
  const { tab, change } = await open("/deliveries", scene);
  const second = tab.locator(`[id="delivery-${deliveries[1]!.id}"]`);
  await second.hover();
  const before = await topOf(second);
  const answered = tab.waitForResponse(async (answer) => (await answer.text()).includes("new-one"));
  const withNew = [
    { ...first, id: "new-one" },
    { ...first, became: "being refreshed" },
    ...deliveries.slice(1),
  ];
  change({ ...scene, deliveries: () => ({ deliveries: withNew, next: null }) });
  await answered;
  await tab.getByText(": being refreshed").waitFor();
  expect(await topOf(second)).toBe(before);
  expect(await tab.locator("#delivery-new-one").count()).toBe(0);
  await tab.mouse.move(5, 5);
  await tab.locator("#delivery-new-one").waitFor();
});

test("what comes to need attention does not push away what somebody points at", async () => {
  const { tab, change } = await open("/", sceneOf("healthy", 3));
  const week = tab.getByRole("link", { name: "Week" });
  await week.hover();
  const before = await topOf(week);
  change(sceneOf("failing", 3));
  await tab.getByRole("heading", { name: /^Needs attention/ }).waitFor();
  expect(await topOf(week)).toBe(before);
});

test("Escape closes the meaning of a word, which opens again when one comes back", async () => {
  const { tab } = await open("/", sceneOf("healthy", 3));
  const word = tab.locator(".word", { hasText: "Oldest proof" });
  const meaning = word.getByRole("tooltip", { includeHidden: true });
  await word.focus();
  expect(await meaning.isVisible()).toBe(true);
  await tab.keyboard.press("Escape");
  expect(await meaning.isVisible()).toBe(false);
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Shift+Tab");
  expect(await meaning.isVisible()).toBe(true);
  await tab.keyboard.press("Tab");
  await word.hover();
  expect(await meaning.isVisible()).toBe(true);
  await tab.keyboard.press("Escape");
  expect(await meaning.isVisible()).toBe(false);
});

test("no meaning of a word makes a page wider than the screen", async () => {
  for (const [path, width] of [
    ["/", 1280],
    ["/repositories", 1024],
    ["/repos/acme/web", 390],
    ["/", 390],
  ] as const) {
    const { tab } = await open(path, sceneOf("failing", 3));
    await tab.setViewportSize({ width, height: 800 });
    for (const word of await tab.locator(".word:visible").all()) {
      await word.focus();
      const meaning = tab.locator(`[id="${await word.getAttribute("aria-describedby")}"]`);
      const box = (await meaning.boundingBox())!;
      expect(box.x, `${path} ${await word.innerText()}`).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width, `${path} ${await word.innerText()}`).toBeLessThanOrEqual(width);
    }
  }
});

test("where the browser allows no copying, as over plain HTTP, the text is selected instead", async () => {
  const { tab } = await open("/repos/acme/web", sceneOf("healthy", 3));
  await tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await tab.getByRole("button", { name: /^Copy \/data/ }).click();
  await tab.getByText("Selected: copy it by keyboard").waitFor();
  expect(await tab.evaluate("getSelection().toString()")).toMatch(/^\/data\/.*web\.git$/);
});

test("Escape leaves a page that asks for a confirmation, and does nothing", async () => {
  const scene = sceneOf("healthy", 3);
  const kept = { ...{ name: "n", ref: "refs/heads/main", sha: "1".repeat(40) }, keptAt: AT, expiresAt: AT };
  const tip = { kept: { ...kept, restore: "", push: "" }, current: null };
  const { tab } = await open("/repos/acme/web/restore?kept=n", { ...scene, keptTip: async () => tip });
  await tab.getByRole("button", { name: "Restore" }).waitFor();
  await tab.keyboard.press("Escape");
  await tab.waitForURL(/\/repos\/acme\/web$/);
  await tab.getByRole("heading", { name: "acme/web" }).waitFor();
});
