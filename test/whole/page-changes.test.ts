import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { TOKEN } from "../support/api.js";
import { openTab, signIn } from "../support/browser.js";
import { startPage } from "../support/page.js";
import { sceneOf } from "../support/scenes.js";

/** Counts what the page hears of changes. */
const COUNT = `
  window.heard = 0;
  window.EventSource = class extends EventSource {
    constructor(url) {
      super(url);
      this.addEventListener("change", () => window.heard++);
    }
  };`;

test("a change that an open page hears of during a fetch is fetched right after it", async () => {
  const scene = sceneOf("healthy", 3);
  const newEvents = new EventEmitter();
  const { base } = await startPage({ ports: { ...scene, events: { ...scene.events, newEvents } } });
  const { tab } = await openTab();
  await tab.addInitScript(COUNT);
  await tab.clock.install();
  await signIn(tab, `${base}/repositories`, TOKEN);
  await tab.getByText(/^updated /).waitFor();

  const [gate, asked] = [new EventEmitter(), { count: 0 }];
  await tab.clock.pauseAt(Date.now() + 3_600_000);
  await tab.route("**/repositories", async (route) => {
    asked.count += 1;
    await once(gate, "open");
    await route.continue();
  });
  const heard = () => tab.evaluate("window.heard");
  const passes = async () => {
    await tab.clock.runFor(50);
    return asked.count;
  };
  newEvents.emit("event");
  await expect.poll(heard).toBe(1);
  await expect.poll(passes).toBe(1);
  newEvents.emit("event");
  await expect.poll(heard).toBe(2);
  const answered = tab.waitForResponse(/repositories$/);
  gate.emit("open");
  await (await answered).finished();
  // Half of the time until the page would ask by itself.
  for (let ms = 0; ms < 5_000 && asked.count < 2; ms += 50) await passes();
  expect(asked.count).toBe(2);
  gate.emit("open");
});
