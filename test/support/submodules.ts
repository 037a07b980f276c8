import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type Repo, type StandIn, ZERO } from "../../tools/standin/index.js";
import { post } from "./history.js";
import { published } from "./published.js";
import { filesBelow } from "./trees.js";

/** Returns the text of a .gitmodules; names default to the paths. */
export const gitmodules = (urls: Record<string, string>, names: Record<string, string> = {}): string =>
  Object.entries(urls)
    .map(([path, url]) => `[submodule "${names[path] ?? path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
    .join("");

/** Lists the files of the tree that a link leads to, by path. */
export function shownFiles(link: string): Record<string, string> {
  const lines = filesBelow(realpathSync(link)).map((line) => /^\d+ (\S+) ([\s\S]*)$/.exec(line)!);
  return Object.fromEntries(lines.map(([, path, text]) => [path!, text!]));
}

/** Commits these files alone on main. */
export async function library(standin: StandIn, owner: string, name: string, options: object = {}) {
  const repo = await standin.createRepository(owner, name, { empty: true, ...options });
  const write = async (files: Record<string, string | { gitlink: string } | null>): Promise<string> => {
    const { after } = await standin
      .updateRefs(repo, [await commitOf(standin, repo, files)])
      .then(([it]) => it!);
    return after;
  };
  return { repo, write };
}

async function commitOf(
  standin: StandIn,
  repo: Repo,
  files: Record<string, string | { gitlink: string } | null>,
) {
  const before = (await standin.tips(repo)).get("refs/heads/main") ?? ZERO;
  return {
    ref: "refs/heads/main",
    before,
    after: await standin.commitObject(repo, { parent: before, files }),
  };
}

/** Lockstep that publishes acme/app with its submodules, and records failed refreshes. */
export async function withSubmodules(env: Record<string, string> = {}) {
  const CHECKOUTS = "acme/app?submodules=yes";
  const setup = await published({ CHECKOUTS, REPOSITORIES: "acme/app", ...env });
  const { world, repo, standin } = setup;
  const refuse = async (files: Parameters<typeof setup.push>[0]) => {
    await standin.commit(repo, "main", { files });
    return (await post(world, repo, "refresh?wait=30s")).body as { reason: string; message: string };
  };
  const asked = (name: string) => standin.gitRequests.filter(({ path }) => path.includes(`/${name}.git/`));
  const base = join(world.dataDir, "repos", String(repo.id), "trees", "@");
  const stored = () => readdirSync(join(base, "content.git", "refs", "modules")).sort();
  return { ...setup, refuse, asked, base, stored };
}
