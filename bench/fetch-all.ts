import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { Git, hermeticEnv } from "../tools/standin/git.js";
import type { Repo, StandIn } from "../tools/standin/index.js";
import type { Figures } from "./figures.js";

const AT_ONCE = 4;

/**
 * The plain way: a pass fetches every repository, changed or not, with an installation token.
 *
 *     git -c http.extraHeader=… fetch --quiet --prune <url> +refs/*:refs/*
 */
export async function fetchAll(standin: StandIn, repos: Repo[], dir: string): Promise<Figures> {
  const git = new Git();
  const basic = Buffer.from(`x-access-token:${standin.token(repos[0]!.installation!)}`).toString("base64");
  const header = `http.extraHeader=Authorization: Basic ${basic}`;
  const args = ["-c", header, "fetch", "--quiet", "--prune"];
  const mirrors = repos.map((repo) => join(dir, basename(repo.dir)));
  await inTurns(repos, (repo, index) => cp(repo.dir, mirrors[index]!, { recursive: true }));
  standin.clearCounters();
  let processes = 0;
  const began = performance.now();
  await inTurns(repos, async ({ owner, name }, index) => {
    processes += 1;
    const url = `${standin.url}/${owner}/${name}.git`;
    await git.run(mirrors[index]!, [...args, url, "+refs/*:refs/*"], { env: hermeticEnv() });
  });
  const seconds = (performance.now() - began) / 1000;
  return { restCalls: standin.calls.length, gitRequests: standin.gitRequests.length, processes, seconds };
}

async function inTurns<T>(all: T[], act: (one: T, index: number) => Promise<void>): Promise<void> {
  const left = all.entries();
  const work = async (): Promise<void> => {
    for (const [index, one] of left) await act(one, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
