import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { RankedView } from "../../src/http/overview.js";
import { TOKEN } from "../support/api.js";
import { openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { sceneOf } from "../support/scenes.js";

async function open() {
  const scene = sceneOf("healthy", 3);
  const { repositories } = await scene.ranked({ limit: 3 } as never);
  const list = { shown: repositories as RankedView[] };
  const newEvents = new EventEmitter();
  const { base } = await startPage({
    ports: {
      ...scene,
      ranked: () => ({ repositories: list.shown, total: list.shown.length }),
      events: { ...scene.events, newEvents },
    },
  });
  const { tab, complaints } = await openTab();
  await signIn(tab, `${base}/repositories`, TOKEN);
  /** Shows other rows, with the lag of the first one. @returns the text of the update that has it */
  const show = async (shown: RankedView[]) => {
    list.shown = shown;
    const lag = `${shown[0]!.lagMs} ms`;
    // An update that was asked for before may be on its way.
    const answered = tab.waitForResponse(
      async (answer) =>
        answer.request().headers()["x-known-parts"] !== undefined && (await answer.text()).includes(lag),
    );
    newEvents.emit("event");
    return (await answered).text();
  };
  const [first, second, third] = list.shown as [RankedView, RankedView, RankedView];
  return { tab, complaints, show, first, second, third };
}

test("rows that the server leaves out of an update stay the same elements, in the new order", async () => {
  const { tab, complaints, show, first, second, third } = await open();
  await tab.getByText(/^updated /).waitFor();
  await tab.evaluate(`document.getElementById("row-${first.id}").isOurs = true`);
  const text = await show([{ ...third, lagMs: 123 }, first, second]);
  expect(text).toContain(`<tr id="row-${first.id}" data-same></tr>`);
  await tab.getByRole("cell", { name: "123 ms" }).waitFor();
  expect(await tab.getByRole("rowheader").allInnerTexts()).toEqual(
    [third, first, second].map(({ owner, name }) => `${owner}/${name}`),
  );
  expect(await tab.evaluate(`document.getElementById("row-${first.id}").isOurs`)).toBe(true);
  expect(await tab.locator("[data-same]").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("a page that lacks a row which the server has left out asks for the whole list", async () => {
  const { tab, show, first, second, third } = await open();
  await tab.getByText(/^updated /).waitFor();
  await tab.evaluate(`document.getElementById("row-${first.id}").remove()`);
  expect(await show([{ ...third, lagMs: 123 }, first, second])).toContain("data-same");
  const whole = await show([{ ...third, lagMs: 124 }, first, second]);
  expect(whole).not.toContain("data-same");
  await tab.getByRole("cell", { name: "124 ms" }).waitFor();
  expect(await tab.getByRole("rowheader").count()).toBe(3);
});
