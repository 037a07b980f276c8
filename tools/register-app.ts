import { spawn } from "node:child_process";
import type { Page } from "playwright-core";
import { Lockstep } from "./lockstep.js";
import { packageRoot } from "./package-root.js";
import type { Repo, StandIn } from "./standin/index.js";

/** `lockstep start` as a person types it, in a directory of theirs. */
export function spawnStart(cwd: string, port: number, env: Record<string, string>): Lockstep {
  const child = spawn(process.execPath, [`${packageRoot()}/lib/cli.js`, "start"], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, LOG_FORMAT: "json", PORT: String(port), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Lockstep(child, port, undefined);
}

/** An account with repositories that installs the App once it is asked to on GitHub's page. */
export async function accountWithoutApp(standin: StandIn, login: string, names: string[]): Promise<void> {
  const installation = standin.createInstallation(login);
  const repos: Repo[] = [];
  for (const name of names) repos.push(await standin.createRepository(login, name));
  standin.world.installations.delete(installation.id);
  for (const repo of repos) repo.installation = null;
  standin.manifests.onInstall = () => {
    standin.world.installations.set(installation.id, installation);
    for (const repo of repos) repo.installation = installation;
    const payload = standin.eventFor("installation", "created", { installation } as never);
    // Who is not there yet lists its installations at the start.
    standin.deliverEvent("installation", payload, { to: String(standin.hookConfig.url) }).catch(() => {});
  };
}

/**
 * From Probot's setup page to the installed App, by the buttons that a person presses.
 * @param created until a person has found the next button
 * @returns the tab that GitHub has led back to Lockstep
 */
export async function register(page: Page, created: () => Promise<void>): Promise<Page> {
  const opened = page.context().waitForEvent("page");
  await page.getByRole("button", { name: "Register GitHub App" }).click();
  const github = await opened;
  await github.getByRole("button", { name: "Create GitHub App" }).click();
  await created();
  await github.getByRole("button", { name: "Install" }).click();
  await github.getByRole("heading", { name: "Sign in" }).waitFor();
  return github;
}
