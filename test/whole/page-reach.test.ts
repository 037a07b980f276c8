import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { RepositoryName } from "../../src/base/model.js";
import type { ApiPorts } from "../../src/http/api.js";
import type { RankedView } from "../../src/http/overview.js";
import type { InstallationView } from "../../src/http/status-view.js";
import { createRanking } from "../../src/registry/ranking.js";
import { apiPorts, SITE, TOKEN } from "../support/api.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { openRegistry } from "../support/registry.js";
import { sceneOf } from "../support/scenes.js";

const AT = "2024-01-01T00:00:00.000Z";
const SHA = "1".repeat(40);
const REF = "refs/heads/a-branch-with-quite-a-long-name/that-does-not-break-anywhere";
const LOOKS = [`/repos/acme/site/restore?kept=${REF}`, "/installations/3/confirm-removal"];
const PAGES = [
  "/",
  "/repositories",
  "/trends",
  "/deliveries",
  "/readers",
  "/server",
  "/audit",
  "/repos/acme/site",
  "/repositories?state=sad",
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
    ranked: () => ({
      repositories: [site, { ...SITE, id: 8, state: "paused" as const, pausedAt: AT }].map((one) => ({
        ...one,
        beats: ["good", "none", "bad"] as const,
        lags: [10, 20],
        held: 1,
      })) as never,
      total: 2,
    }),
    trends: sceneOf("failing", 3).trends,
    activity: sceneOf("failing", 3).activity,
    refused: () => ({
      refused: [{ reason: "bad_signature", address: "192.0.2.1", count: 3, lastAt: AT }],
      total: 3,
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
          ...{ outcome: "open", became: "queued", headers: { "X-GitHub-Hook-ID": "292430182" } },
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
    status: async () => ({
      ...(await ports.status()),
      attention: (await sceneOf("failing", 3).status()).attention,
      attentionTotal: 3,
      github: {
        calls: 1,
        limits: [{ whose: "app", account: null, limit: 1, remaining: 0, resetsAt: AT, heldUntil: AT }],
      },
    }),
  };
}

const eachPage = async (tab: Page, base: string, look: (path: string) => Promise<void>) => {
  for (const path of PAGES) {
    await tab.goto(base + path);
    await look(path);
  }
};

test.each([
  ["light", 1280],
  ["dark", 360],
] as const)("axe finds no barrier, in %s colours, %i pixels wide", async (colorScheme, width) => {
  const { base } = await startPage({ ports: full() });
  const { tab } = await openTab({ colorScheme });
  await tab.goto(base);
  expect(await barriers(tab)).toEqual([]);
  const back = await tab.evaluate("getComputedStyle(document.body).backgroundColor");
  expect(back).toBe(colorScheme === "light" ? "rgb(246, 248, 250)" : "rgb(1, 4, 9)");
  await signIn(tab, base, TOKEN);
  await tab.setViewportSize({ width, height: 800 });
  await eachPage(tab, base, async (path) => expect(await barriers(tab), path).toEqual([]));
});

test("on a phone nothing is wider than the screen, and buttons are large enough for a finger", async () => {
  const { base } = await startPage({ ports: full() });
  const { tab } = await openTab(PHONE);
  await signIn(tab, base, TOKEN);
  await eachPage(tab, base, async (path) => {
    expect(await tab.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(360);
    const heights = await tab
      .locator("button:visible:not(.word)")
      .evaluateAll((all) => all.map((it) => it.clientHeight));
    for (const height of heights) expect(height, path).toBeGreaterThanOrEqual(40);
  });
});

test("by keyboard: past the navigation, to a button, with a visible focus", async () => {
  const { base, calls } = await startPage();
  const { tab } = await openTab();
  await signIn(tab, base, TOKEN);
  await tab.goto(`${base}/repositories`);
  await tab.keyboard.press("Tab");
  const skip = tab.getByRole("link", { name: "Skip to content" });
  expect(await skip.evaluate((it) => it === it.ownerDocument.activeElement)).toBe(true);
  expect((await skip.boundingBox())!.x).toBeGreaterThanOrEqual(0);
  await tab.keyboard.press("Enter");
  const seen: string[] = [];
  for (let presses = 0; presses < 30 && seen.at(-1) !== "refresh-7"; presses++) {
    await tab.keyboard.press("Tab");
    seen.push((await tab.evaluate("document.activeElement.id || document.activeElement.tagName")) as string);
    if (seen.at(-1) === "SUMMARY") await tab.keyboard.press("Enter");
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
  const rankingOf = createRanking(store);
  const ranked: ApiPorts["ranked"] = ({ page, limit, ...query }) => {
    const { repositories, total } = rankingOf({ ...query, limit, offset: (page - 1) * limit, running: [] });
    const view = ({ id, owner, name }: RepositoryName & { id: number }): RankedView => ({
      ...SITE,
      ...{ id, owner, name, beats: [], lags: [], held: 0 },
    });
    return { repositories: repositories.map(view), total };
  };
  const { base } = await startPage({ ports: { ...apiPorts(), ranked } });
  const { tab } = await openTab();
  await signIn(tab, `${base}/repositories`, TOKEN);
  const names = () => tab.getByRole("rowheader").allInnerTexts();
  await tab.getByRole("table", { name: "10,000 repositories" }).waitFor();
  expect((await tab.content()).length).toBeLessThan(180_000);
  const first = await names();
  await tab.getByRole("link", { name: "Next page" }).click();
  await tab.waitForURL(/page=2/);
  expect([...first, ...(await names())]).toEqual(
    Array.from({ length: 100 }, (_, n) => `acme/service-${String(n + 1).padStart(5, "0")}`),
  );
  await tab.keyboard.press("/");
  await tab.keyboard.type("acme/*-09999");
  await tab.getByRole("table", { name: /^1 repository/ }).waitFor();
  expect(await names()).toEqual(["acme/service-09999"]);
  expect(tab.url()).toContain("name=acme%2F*-09999");
});

test("by keyboard: j and k go along the rows, x selects, and the selected are paused together", async () => {
  const ports = sceneOf("healthy", 3);
  const paused: number[] = [];
  const { repositories } = await ports.ranked({ limit: 3 } as never);
  const byName: ApiPorts["get"] = (_, name) => repositories.find((one) => one.name === name) ?? null;
  const { base } = await startPage({ ports: { ...ports, get: byName, pause: (id) => void paused.push(id) } });
  const { tab, complaints } = await openTab();
  await signIn(tab, `${base}/repositories`, TOKEN);
  const focused = () => tab.evaluate("document.activeElement.textContent");
  const bar = tab.locator(".bulk");
  const hint = bar.getByText("Select repositories to refresh, pause or resume them together.");
  const places = async () => [await hint.isVisible(), await bar.getByRole("button").count()];
  const first = tab.getByRole("rowheader").first();
  const before = (await first.boundingBox())!.y;
  expect(await places()).toEqual([true, 0]);
  await tab.keyboard.press("j");
  expect(await focused()).toBe("acme/web");
  await tab.keyboard.press("j");
  await tab.keyboard.press("x");
  expect(await places()).toEqual([false, 3]);
  expect((await first.boundingBox())!.y).toBe(before);
  await tab.setViewportSize({ width: 390, height: 800 });
  const selected = (await first.boundingBox())!.y;
  await tab.keyboard.press("x");
  expect([...(await places()), (await first.boundingBox())!.y]).toEqual([true, 0, selected]);
  await tab.keyboard.press("x");
  await tab.setViewportSize({ width: 1280, height: 720 });
  await tab.keyboard.press("j");
  await tab.keyboard.press("x");
  expect(await focused()).toBe("acme/site");
  await tab.keyboard.press("k");
  expect(await focused()).toBe("acme/api");
  await bar.getByRole("button", { name: "Pause the selected repositories" }).click();
  await tab.getByRole("status").getByText("Paused 2 repositories").waitFor();
  expect(paused).toEqual([2, 3]);
  expect(complaints).toEqual([]);
});

test("by keyboard: why a repository fails is shown whole, however long it is", async () => {
  const scene = sceneOf("failing", 3);
  const { repositories } = await scene.ranked({ limit: 3 } as never);
  const message = `GitHub answers 403: ${"this organisation allows only listed addresses, ".repeat(8)}and no others`;
  const long = repositories.map((one) => ({
    ...one,
    lastError: one.lastError && { ...one.lastError, message },
  }));
  const ranked: ApiPorts["ranked"] = () => ({ repositories: long, total: 3 });
  const { base } = await startPage({ ports: { ...scene, ranked } });
  const { tab } = await openTab();
  await signIn(tab, `${base}/repositories`, TOKEN);
  const reason = tab.locator("button.why").first();
  const whole = tab
    .getByRole("tooltip", { includeHidden: true })
    .filter({ hasText: "and no others" })
    .first();
  for (const width of [1440, 390]) {
    await tab.setViewportSize({ width, height: 800 });
    expect(await reason.evaluate((it) => it.scrollWidth > it.clientWidth)).toBe(true);
    expect(await whole.isVisible()).toBe(false);
    await reason.focus();
    const box = (await whole.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(await whole.evaluate((it) => it.scrollHeight <= it.clientHeight)).toBe(true);
    await tab.keyboard.press("Escape");
    expect(await whole.isVisible()).toBe(false);
    await reason.blur();
  }
  expect(await whole.innerText()).toContain("→ Add this server's address");
  expect(await barriers(tab)).toEqual([]);
});

test("by keyboard: a word is explained while it has the focus, and a screen reader is told the same", async () => {
  const { base } = await startPage({ ports: full() });
  const { tab } = await openTab();
  await signIn(tab, `${base}/repos/acme/site`, TOKEN);
  const word = tab.locator(".word", { hasText: "Proven" });
  const meaning = word.getByRole("tooltip", { includeHidden: true });
  expect(await meaning.isVisible()).toBe(false);
  await word.focus();
  expect(await meaning.isVisible()).toBe(true);
  expect(await word.getAttribute("aria-describedby")).toBe(await meaning.getAttribute("id"));
  await tab.keyboard.press("Tab");
  expect(await meaning.isVisible()).toBe(false);
});
