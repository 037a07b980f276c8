import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { TOKEN } from "../support/api.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { SCENES, sceneOf } from "../support/scenes.js";

const WIDTHS = [1440, 1024, 390];
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

/** Without PICTURES each scene is seen once, and each number of repositories. */
const isSeen = ({ scene, count }: { scene: string; count: number }) =>
  count === 3 ||
  (scene === "healthy" && (count === 0 || FOLDER)) ||
  (count > 3 && (scene === "failing" || FOLDER));
const cases = SCENES.flatMap((scene) => ([0, 3, 10_000] as const).map((count) => ({ scene, count }))).filter(
  isSeen,
);

test.each(cases)(
  "$scene, $count repositories: no barrier, nothing too wide, no broken word, at each width",
  async ({ scene, count }) => {
    const { base } = await startPage({ ports: sceneOf(scene, count) });
    const { tab, complaints } = await openTab({ reducedMotion: "reduce" });
    await signIn(tab, base, TOKEN);
    for (const path of count === 0 ? ["/", "/repositories", "/server"] : VIEWS) {
      await tab.goto(base + path);
      for (const width of WIDTHS) {
        await tab.setViewportSize({ width, height: 900 });
        // What is measured is the same in both; axe sees the dark one here, and both in test/whole/page-reach.test.ts.
        for (const colorScheme of FOLDER ? (["light", "dark"] as const) : (["dark"] as const)) {
          await tab.emulateMedia({ colorScheme });
          const place = `${path} ${width} ${colorScheme}`;
          if (FOLDER) {
            const file = `${scene}-${count}-${place.replace(/\W+/g, "_")}.png`;
            await tab.screenshot({ path: `${FOLDER}/${file}`, fullPage: true });
          }
          expect(await overflow(tab), place).toBeLessThanOrEqual(0);
          expect(await brokenWords(tab), place).toEqual([]);
          if (width > 800) expect(Math.max(32, ...(await rowHeights(tab))), place).toBeLessThanOrEqual(33);
          if (place === "/ 390 dark") expect(await barriers(tab), place).toEqual([]);
        }
      }
    }
    expect(complaints).toEqual([]);
  },
  240_000,
);
