import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { ApiPorts } from "../../src/http/api.js";
import type { InstallationView } from "../../src/http/status-view.js";
import { createRepositoryList } from "../../src/registry/list.js";
import { apiPorts, SITE, TOKEN } from "../support/api.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { openRegistry } from "../support/registry.js";

const AT = "2024-01-01T00:00:00.000Z";
const SHA = "1".repeat(40);
const REF = "refs/heads/a-branch-with-quite-a-long-name/that-does-not-break-anywhere";
const LOOKS = [`/repos/acme/site/restore?kept=${REF}`, "/installations/3/confirm-removal"];
const PAGES = [
  "/",
  "/deliveries",
  "/readers",
  "/server",
  "/audit",
  "/repos/acme/site",
  "/?state=sad",
  ...LOOKS,
];
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

/** An instance of everything that the page can show. */
function full(): ApiPorts {
  const ports = apiPorts();
  const ref = REF;
  const error = { code: "x", message: "m", hint: "h", at: AT };
  const site = { ...SITE, lastError: { ...error, attempt: 1 } };
  const hold = { ref, tip: SHA, wanted: SHA, since: AT, cause: "blocked" as const, allow: ref, push: ref };
  const kept = { name: ref, ref, sha: SHA, keptAt: AT, expiresAt: AT, restore: ref, push: ref };
  const heldRemoval = { repositories: [`acme/${"a".repeat(100)}`], heldAt: AT, confirm: "POST /api/v1/…" };
  const installation: InstallationView = {
    ...{ id: 3, login: "acme", state: "active", since: AT, lastListedAt: AT, lastError: null, heldRemoval },
  };
  const veto = { reason: "veto", output: "no", at: AT };
  const checkout = { ref, path: `/srv/${ref}`, commit: SHA, publishedAt: AT, wanted: SHA, veto, notes: [] };
  return {
    ...ports,
    list: (query) => ({
      ...ports.list(query),
      repositories: [site, { ...SITE, id: 8, state: "paused", pausedAt: AT }],
    }),
    get: () => ({ ...site, checkouts: [checkout] }),
    installations: () => ({ installations: [installation], next: null, total: 1 }),
    installation: () => installation,
    kept: async () => ({ kept: [kept], next: [1, ref], total: 2 }),
    keptTip: async () => ({ kept, current: SHA }),
    holds: () => ({ holds: [hold], next: [ref], total: 2 }),
    refreshes: () => [
      {
        ...{ endedAt: AT, durationMs: 1, lagMs: 5, trigger: "push", attempt: 1, changed: 0, way: "none" },
        ...{ result: "timeout", reason: "too slow" },
      },
    ],
    deliveries: () => ({
      deliveries: [
        {
          ...{
            id: "a".repeat(36),
            event: "push",
            action: null,
            via: "webhook",
            receivedAt: AT,
            reason: null,
          },
          ...{ repository: "acme/site", repositoryId: 7, installationId: 3, refreshedAt: null },
          ...{ outcome: "open", became: "queued" },
        },
      ],
      next: [1, 1],
    }),
    queue: () => ({
      queue: [
        {
          ...{ subject: "repository", id: 7, name: "acme/site", trigger: "push", running: true, attempt: 1 },
          ...{ waitingSince: AT, dueAt: AT, class: "short", waitsFor: null },
        },
      ],
      held: [],
      outages: [],
      total: 1,
    }),
    status: () => ({
      ...ports.status(),
      problems: [{ code: "disk_low", detail: "full", remedy: "make room", since: AT }],
      github: { calls: 1, limits: [{ whose: "app", limit: 1, remaining: 0, resetsAt: AT, heldUntil: AT }] },
    }),
  };
}

const eachPage = async (tab: Page, base: string, look: (path: string) => Promise<void>) => {
  for (const path of PAGES) {
    await tab.goto(base + path);
    await look(path);
  }
};

test.each(["light", "dark"] as const)(
  "axe finds no barrier, in %s colours, wide and narrow",
  async (colorScheme) => {
    const { base } = await startPage({ ports: full() });
    const { tab } = await openTab({ colorScheme });
    await tab.goto(base);
    expect(await barriers(tab)).toEqual([]);
    const back = await tab.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(back).toBe(colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 24, 28)");
    await signIn(tab, base, TOKEN);
    for (const width of [1280, 360]) {
      await tab.setViewportSize({ width, height: 800 });
      await eachPage(tab, base, async (path) => expect(await barriers(tab), `${path} ${width}`).toEqual([]));
    }
  },
);

test("on a phone nothing is wider than the screen, and buttons are large enough for a finger", async () => {
  const { base } = await startPage({ ports: full() });
  const { tab } = await openTab(PHONE);
  await signIn(tab, base, TOKEN);
  await eachPage(tab, base, async (path) => {
    expect(await tab.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(360);
    const heights = await tab.locator("button").evaluateAll((all) => all.map((it) => it.clientHeight));
    for (const height of heights) expect(height, path).toBeGreaterThanOrEqual(40);
  });
});

test("by keyboard: past the navigation, to a button, with a visible focus", async () => {
  const { base, calls } = await startPage();
  const { tab } = await openTab();
  await signIn(tab, base, TOKEN);
  await tab.goto(base);
  await tab.keyboard.press("Tab");
  const skip = tab.getByRole("link", { name: "Skip to content" });
  expect(await skip.evaluate((it) => it === it.ownerDocument.activeElement)).toBe(true);
  expect((await skip.boundingBox())!.x).toBeGreaterThanOrEqual(0);
  await tab.keyboard.press("Enter");
  const seen: string[] = [];
  for (let presses = 0; presses < 30 && seen.at(-1) !== "refresh-7"; presses++) {
    await tab.keyboard.press("Tab");
    seen.push((await tab.evaluate("document.activeElement.id || document.activeElement.tagName")) as string);
    expect(await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
  }
  expect(seen.at(-1)).toBe("refresh-7");
  expect(await tab.locator("header :focus").count()).toBe(0);
  const answered = tab.waitForResponse((answer) => answer.request().method() === "POST");
  await tab.keyboard.press("Space");
  expect((await answered).status()).toBe(303);
  expect(calls).toContainEqual(["refresh", 7]);
});

test("ten thousand repositories: small pages, and a filter that finds one", async () => {
  const { store, add } = openRegistry();
  store.transaction(() => {
    for (let id = 1; id <= 10_000; id++)
      add(id, { owner: "acme", name: `service-${String(id).padStart(5, "0")}` });
  });
  const pageOf = createRepositoryList(store);
  const list: ApiPorts["list"] = (query) => {
    const { repositories, ...rest } = pageOf({ ...query, running: [] });
    return {
      ...rest,
      repositories: repositories.map(({ id, owner, name }) => ({ ...SITE, id, owner, name })),
    };
  };
  const { base } = await startPage({ ports: { ...apiPorts(), list } });
  const { tab } = await openTab();
  await signIn(tab, base, TOKEN);
  const names = () => tab.getByRole("rowheader").allInnerTexts();
  await tab.getByRole("table", { name: "10,000 repositories" }).waitFor();
  expect((await tab.content()).length).toBeLessThan(120_000);
  const first = await names();
  await tab.getByRole("link", { name: "Next page" }).click();
  await tab.waitForURL(/cursor=/);
  expect([...first, ...(await names())]).toEqual(
    Array.from({ length: 100 }, (_, n) => `acme/service-${String(n + 1).padStart(5, "0")}`),
  );
  await tab.getByLabel("Name").fill("acme/*-09999");
  await tab.getByRole("button", { name: "Filter" }).click();
  await tab.getByRole("table", { name: /^1 repository/ }).waitFor();
  expect(await names()).toEqual(["acme/service-09999"]);
});
