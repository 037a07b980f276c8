import PQueue from "p-queue";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { TOKEN } from "../support/api.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { type Scene, sceneOf } from "../support/scenes.js";

const WIDTHS = [1440, 1024, 390];
const COLOURS = ["light", "dark"] as const;
const VIEWS = ["/", "/repositories", "/repos/acme/web", "/deliveries", "/server"];
/** Where pictures go that somebody wants to look at; none are taken without it. */
const FOLDER = process.env.PICTURES;

/** Returns by how many pixels the page is wider than the screen. */
const overflow = (tab: Page) => tab.evaluate("document.documentElement.scrollWidth - innerWidth");

/** Returns how high the rows of a list are, in pixels. */
const rowHeights = (tab: Page) =>
  tab
    .locator(".rows tbody tr[id]")
    .evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height));

/** Returns words that the browser has broken into two lines. */
const brokenWords = (tab: Page): Promise<string[]> =>
  tab.evaluate(`(() => {
    const found = [];
    const range = document.createRange();
    const selector = "h1, h2, th, button, .button, .tiles *, .chips a, figcaption span, nav a, .state, time, dt, .num";
    for (const element of document.querySelectorAll(selector)) {
      for (const node of element.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE) continue;
        for (const { 0: word, index } of node.data.matchAll(/[^\\s/-]+/g)) {
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          const tops = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
          if (tops.size > 1) found.push(word);
        }
      }
    }
    return found;
  })()`) as Promise<string[]>;

/** Looks at an open page at each width, in light and in dark. */
async function look(tab: Page, name: string): Promise<void> {
  for (const width of WIDTHS) {
    await tab.setViewportSize({ width, height: 900 });
    for (const colorScheme of COLOURS) {
      await tab.emulateMedia({ colorScheme });
      const place = `${name} ${width} ${colorScheme}`;
      if (FOLDER)
        await tab.screenshot({ path: `${FOLDER}/${place.replace(/\W+/g, "_")}.png`, fullPage: true });
      expect(await barriers(tab), place).toEqual([]);
    }
    // Colours change neither widths nor heights.
    expect(await overflow(tab), `${name} ${width}`).toBeLessThanOrEqual(0);
    expect(await brokenWords(tab), `${name} ${width}`).toEqual([]);
    if (width > 800) expect(Math.max(32, ...(await rowHeights(tab))), name).toBeLessThanOrEqual(33);
  }
}

/** The deliveries are the same in every scene. */
const BUT_DELIVERIES = VIEWS.filter((it) => it !== "/deliveries");
/** What the tab and the large letters of the overview say. A view that a scene or a number does not change is seen once. */
const CASES: [scene: Scene, count: number, title: RegExp, verdict: RegExp, views: string[]][] = [
  [
    "healthy",
    0,
    /^· nothing is mirrored/,
    /^No repository is mirrored yet$/,
    VIEWS.filter((it) => !/repos\//.test(it)),
  ],
  ["healthy", 3, /^✓ all in step/, /^All 3 repositories are in step$/, VIEWS],
  ["healthy", 10_000, /^✓ all in step/, /^All 10,000 repositories are in step$/, VIEWS],
  ["failing", 3, /^✗ 3 need attention/, /^3 of 3 repositories are not in step$/, VIEWS],
  ["failing", 10_000, /^✗ 3 need attention/, /^3 of 10,000 repositories are not in step$/, VIEWS],
  ["cloning", 3, /^… cloning, 1 of 3 done/, /^Cloning: 1 of 3 repositories done$/, BUT_DELIVERIES],
  [
    "cloning",
    10_000,
    /^… cloning, 3,333 of 10,000 done/,
    /^Cloning: 3,333 of 10,000 repositories done$/,
    ["/"],
  ],
  [
    "away",
    3,
    /^✗ GitHub is unreachable/,
    /^GitHub has been unreachable since \d\d:\d\d UTC$/,
    BUT_DELIVERIES,
  ],
  ["away", 10_000, /^✗ GitHub is unreachable/, /^GitHub has been unreachable since/, ["/"]],
];

test.each(CASES)(
  "%s, %i repositories: the verdict, no barrier, nothing too wide, no broken word, at each width in light and dark",
  async (scene, count, title, verdict, views) => {
    const { base } = await startPage({ ports: sceneOf(scene, count) });
    const { tab, complaints } = await openTab({ reducedMotion: "reduce" });
    await signIn(tab, base, TOKEN);
    expect(await tab.title()).toMatch(title);
    expect(await tab.locator(".verdict h1").innerText()).toMatch(verdict);
    // The browser confuses pictures that are taken at once.
    const pages = new PQueue({ concurrency: FOLDER ? 1 : views.length });
    await pages.addAll(
      views.map((path) => async () => {
        const one = await tab.context().newPage();
        await one.goto(base + path);
        await look(one, `${scene} ${count} ${path}`);
        await one.close();
      }),
    );
    expect(complaints).toEqual([]);
  },
  240_000,
);

test("the server is gone: each view says so, calls nothing well, and is as easy to read", async () => {
  const { base, close } = await startPage({ ports: sceneOf("healthy", 3) });
  const { tab } = await openTab({ reducedMotion: "reduce" });
  await signIn(tab, base, TOKEN);
  const tabs = await Promise.all(
    VIEWS.map(async (path) => {
      const one = await tab.context().newPage();
      await one.goto(base + path);
      await one.getByText(/^updated /).waitFor();
      return { path, one };
    }),
  );
  close();
  for (const { path, one } of tabs) {
    await one.bringToFront();
    await one
      .getByRole("heading", { level: 1, name: /^No word from the server since \d\d:\d\d:\d\d$/ })
      .waitFor();
    await one.getByText(/^What you see may be outdated\. → Check that Lockstep runs\./).waitFor();
    expect(await one.title(), path).toBe("? no word from the server – Lockstep");
    expect(await one.locator(".verdict:visible, [data-verdict]:visible").count(), path).toBe(0);
    await look(one, `gone 3 ${path}`);
  }
});
