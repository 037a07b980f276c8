import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { openTab, signIn } from "../support/browser.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

async function start() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  await standin.createRepository("acme", "web");
  const env = { API_TOKEN, INTERVAL: "off", LOG_LEVEL: "trace" };
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env });
  onTestFinished(async () => void (await lockstep.kill9()));
  for (const name of ["app", "web"])
    await lockstep.waitForLog((line) => line.result === "cloned" && line.repository === `acme/${name}`);
  return { standin, repo, lockstep };
}

test("an open page shows a push as it happens, and the outcome of its delivery", async () => {
  const { standin, repo, lockstep } = await start();
  const { tab, complaints } = await openTab();
  await signIn(tab, `${lockstep.url}/repos/acme/app`, API_TOKEN);
  const refs = tab.getByRole("table", { name: /refs?$/ });
  const refreshes = tab.getByRole("table", { name: "Last refreshes" });
  await tab.getByText(/^The last \d+ refreshes$/).click();
  await refreshes.getByRole("row", { name: /onboard/ }).waitFor();
  await tab.evaluate("window.sameDocument = true");
  const { id } = await standin.deliver(await standin.createBranch(repo, "topic/live"), {
    to: lockstep.webhookUrl,
  });
  await refs.getByRole("row", { name: /refs\/heads\/topic\/live/ }).waitFor();
  await refreshes.getByRole("row", { name: /push .*changed/ }).waitFor();
  expect(await tab.evaluate("window.sameDocument")).toBe(true);
  await tab.getByRole("link", { name: "All deliveries of acme/app" }).click();
  const sentence = tab.locator(`[id="delivery-${id}"]`);
  expect(await sentence.innerText()).toMatch(/push.*to acme\/app: refreshed \d.* after it came/s);
  await sentence.locator("summary").click();
  await sentence.getByText(id).waitFor();
  expect(complaints).toEqual([]);
});

test("a branch that is named like a script is shown, at once and live, and never run", async () => {
  const { standin, repo, lockstep } = await start();
  const { tab, complaints } = await openTab();
  const dialogs: string[] = [];
  tab.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await signIn(tab, `${lockstep.url}/repos/acme/app`, API_TOKEN);
  const name = '"><img/src=x/onerror=alert(1)><script>alert(2)</script>&amp;';
  await standin.deliver(await standin.createBranch(repo, name), { to: lockstep.webhookUrl });
  const shown = tab.getByRole("rowheader").getByText(`refs/heads/${name}`);
  await shown.waitFor();
  await tab.reload();
  await shown.waitFor();
  expect(await tab.locator("main img, main script").count()).toBe(0);
  expect([dialogs, complaints]).toEqual([[], []]);
});

test("a live update does not move the focus", async () => {
  const { standin, repo, lockstep } = await start();
  const { tab } = await openTab();
  await signIn(tab, `${lockstep.url}/repositories`, API_TOKEN);
  const row = tab.locator("tr", { hasText: "acme/app" });
  const lag = row.getByRole("cell").nth(5);
  expect(await lag.innerText()).toBe("–");
  await row.getByLabel("Actions for acme/app").click();
  await row.getByRole("button", { name: "Pause" }).focus();
  const before = await tab.evaluate("document.activeElement.id");
  await standin.deliver(await standin.commit(repo, "main"), { to: lockstep.webhookUrl });
  await lag.getByText(/\d (ms|s)/).waitFor();
  expect(await row.getByRole("button", { name: "Pause" }).isVisible()).toBe(true);
  expect(before).toMatch(/^pause-/);
  expect(await tab.evaluate("document.activeElement.id")).toBe(before);
});

test("refresh, pause and resume lead back to the list; sign-out ends the session, and nothing secret was shown", async () => {
  const { lockstep } = await start();
  const { tab, complaints } = await openTab();
  const urls: string[] = [];
  tab.on("request", (request) => void urls.push(request.url()));
  await tab.goto(lockstep.url);
  await tab.getByLabel("API token").fill("a wrong token");
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.getByRole("alert").waitFor();
  await signIn(tab, `${lockstep.url}/repositories?name=app`, API_TOKEN);
  const app = tab.locator("tr", { hasText: "acme/app" });
  const menu = app.getByLabel("Actions for acme/app");
  await menu.click();
  await app.getByRole("button", { name: "Refresh acme/app" }).click();
  await tab.getByRole("status").getByText("Asked for a refresh of acme/app").waitFor();
  await lockstep.waitForLog((line) => line.event === "refreshed" && line.trigger === "manual");
  await menu.click();
  await app.getByRole("button", { name: "Pause acme/app" }).click();
  await app.getByText("paused").waitFor();
  expect(tab.url()).toBe(`${lockstep.url}/repositories?name=app`);
  await menu.press("Enter");
  await app.getByRole("button", { name: "Resume acme/app" }).press("Enter");
  await app.getByText("in step").waitFor();
  await menu.click();
  await app.getByRole("button", { name: "Pause acme/app" }).waitFor();

  await tab.reload();
  await tab.getByRole("button", { name: "Sign out" }).waitFor();
  expect(await tab.getByRole("status").count()).toBe(0);
  const cookies = await tab.context().cookies();
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByLabel("API token").waitFor();
  await tab.context().addCookies(cookies);
  await tab.goto(lockstep.url);
  await tab.getByLabel("API token").waitFor();
  expect(complaints).toEqual([]);
  expect(urls.join("\n")).not.toContain(API_TOKEN);
  const log = JSON.stringify(lockstep.log);
  expect(log).toContain("POST /sign-in");
  for (const secret of [API_TOKEN, cookies[0]!.value]) expect(log).not.toContain(secret);
});

test("without JavaScript: filter, pause and the confirmation pages all work", async () => {
  const { lockstep } = await start();
  const { tab } = await openTab({ javaScriptEnabled: false });
  await signIn(tab, `${lockstep.url}/repositories`, API_TOKEN);
  await tab.getByLabel("Name").fill("web");
  await tab.getByRole("button", { name: "Filter" }).click();
  expect(await tab.getByRole("rowheader").allInnerTexts()).toEqual(["acme/web"]);
  await tab.getByLabel("Actions for acme/web").click();
  await tab.getByRole("button", { name: "Pause acme/web" }).click();
  await tab.locator("tr", { hasText: "acme/web" }).getByText("paused").waitFor();
  await tab.getByRole("link", { name: "Server" }).click();
  await tab.getByRole("table", { name: /^Queue: 0 requests/ }).waitFor();
  await tab.getByText("GitHub's API, acme", { exact: true }).waitFor();
  await tab.getByRole("link", { name: "Deliveries" }).click();
  await tab.getByRole("heading", { name: "Deliveries" }).waitFor();
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByLabel("API token").waitFor();
});
