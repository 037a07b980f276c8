import { expect, onTestFinished, test } from "vitest";
import type { ApiPorts } from "../../src/http/api.js";
import type { InstallationView } from "../../src/http/operate.js";
import { startLockstep } from "../../tools/lockstep.js";
import { mirrorPath } from "../../tools/mirror.js";
import { startStandIn } from "../../tools/standin/index.js";
import { apiPorts, TOKEN } from "../support/api.js";
import { barriers, openTab, signIn } from "../support/browser.js";
import { plainGit } from "../support/git.js";
import { startPage } from "../support/page.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";
const AT = "2024-01-01T00:00:00.000Z";

/** A mirror with a held forced push. */
async function held() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const repo = await standin.createRepository("acme", "app");
  const dataDir = tempDir();
  const env = { API_TOKEN, INTERVAL: "off", HISTORY: "block" };
  const lockstep = await startLockstep({ standin, dataDir, env });
  onTestFinished(async () => void (await lockstep.kill9()));
  await lockstep.waitForLog((line) => line.result === "cloned");
  const main = () => plainGit(mirrorPath(dataDir, "acme", "app"), "rev-parse", "refs/heads/main").trim();
  const old = main();
  const { after } = await standin.forcePush(repo, "main", { orphan: true });
  await lockstep.api("/api/v1/repos/acme/app/refresh?wait=30s", { method: "POST" });
  expect(main()).toBe(old);
  let done = 0;
  /** Waits for the next refresh that was requested by hand. */
  const refreshed = async () => {
    done += 1;
    const isManual = (line: { event?: unknown; trigger?: unknown }) =>
      line.event === "refreshed" && line.trigger === "manual";
    await lockstep.waitForLog(() => lockstep.log.filter(isManual).length > done);
  };
  return { lockstep, main, old, after, refreshed };
}

test("without JavaScript: a held change is allowed, and its old tip restored after confirmation", async () => {
  const { lockstep, main, old, after, refreshed } = await held();
  const { tab } = await openTab({ javaScriptEnabled: false });
  await signIn(tab, `${lockstep.url}/repos/acme/app`, API_TOKEN);
  const holds = tab.getByRole("table", { name: /held ref/ });
  await holds.getByRole("button", { name: "Allow GitHub's value for refs/heads/main" }).press("Enter");
  await tab.getByRole("status").getByText("GitHub's value is allowed for refs/heads/main").waitFor();
  await refreshed();
  expect(main()).toBe(after);

  await tab.reload();
  expect(await holds.count()).toBe(0);
  await tab.getByRole("button", { name: `Restore… refs/heads/main to ${old.slice(0, 10)}` }).click();
  await tab.getByRole("heading", { name: "Restore a kept tip" }).waitFor();
  await tab.getByRole("link", { name: "Cancel" }).click();
  await tab.getByRole("button", { name: /^Restore…/ }).press("Enter");
  expect(main()).toBe(after);
  await tab.getByRole("button", { name: "Restore" }).press("Enter");
  await tab.getByRole("status").getByText("to the kept tip and holds it there").waitFor();
  await refreshed();
  expect(main()).toBe(old);
  await tab.reload();
  await holds.getByRole("row", { name: /refs\/heads\/main .*restored/ }).waitFor();
});

test("a held removal: the button opens a list of all repositories, and only the button there confirms it", async () => {
  const repositories = Array.from({ length: 12 }, (_, n) => `acme/app-${n}`);
  const installation: InstallationView = {
    ...{ id: 3, login: "acme", state: "active", since: AT, lastListedAt: AT, lastError: null },
    heldRemoval: { repositories, heldAt: AT, confirm: "POST /api/v1/installations/3/confirm-removal" },
  };
  const confirmed: number[] = [];
  const ports: ApiPorts = {
    ...apiPorts(),
    installations: () => ({ installations: [installation], next: null, total: 1 }),
    installation: () => installation,
    confirmRemoval: (id) => {
      confirmed.push(id);
      installation.heldRemoval = null;
      return repositories.length;
    },
  };
  const { base } = await startPage({ ports });
  const { tab, complaints } = await openTab();
  await signIn(tab, `${base}/server`, TOKEN);
  // The page has a button instead of the call.
  expect(await tab.getByText("/api/v1/installations/").count()).toBe(0);
  await tab.getByRole("button", { name: "Confirm removal… of acme" }).press("Enter");
  await tab.getByRole("heading", { name: "Confirm the removal of repositories of acme" }).waitFor();
  expect(await tab.getByRole("listitem").allInnerTexts()).toEqual([...repositories].sort());
  expect(await barriers(tab)).toEqual([]);
  expect(confirmed).toEqual([]);
  await tab.getByRole("button", { name: "Confirm removal" }).press("Enter");
  await tab.getByRole("status").getByText("12 repositories are gone").waitFor();
  expect(confirmed).toEqual([3]);
  expect(await tab.getByRole("button", { name: /Confirm removal/ }).count()).toBe(0);
  expect(complaints).toEqual([]);
});
