import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { plainGit } from "../git.js";
import type { World } from "../world.js";

/** The part of the API's repository that is compared here. */
export interface View {
  id: number;
  owner: string;
  name: string;
  state: string;
  defaultBranch: string;
  installationId: number;
}

export interface Mirror {
  head: string;
  refs: Record<string, string>;
  /** Every commit in the mirror, reachable or not. */
  commits: string[];
}

/** Everything that Lockstep has stored. */
export interface Holdings {
  views: Map<number, View>;
  /** Maps `owner/name` to the id of the repository whose mirror the link leads to. */
  links: Map<string, number>;
  mirrors: Map<number, Mirror>;
}

export async function holdingsOf(world: World): Promise<Holdings> {
  const answer = (await (await world.api("/api/v1/repos?limit=1000")).json()) as { repositories: View[] };
  const views = answer.repositories.map(({ id, owner, name, state, defaultBranch, installationId }) => ({
    ...{ id, owner, name, state, defaultBranch, installationId },
  }));
  return {
    views: new Map(views.map((view) => [view.id, view])),
    links: new Map(linksBelow(join(world.dataDir, "mirrors"))),
    mirrors: new Map(mirrorsBelow(join(world.dataDir, "repos"))),
  };
}

const entriesOf = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

/** @throws when a link is dangling */
const linksBelow = (dir: string): [string, number][] =>
  entriesOf(dir).flatMap((owner) =>
    entriesOf(join(dir, owner)).map((name): [string, number] => [
      `${owner}/${name.replace(/\.git$/, "")}`,
      Number(basename(dirname(realpathSync(join(dir, owner, name))))),
    ]),
  );

const mirrorsBelow = (dir: string): [number, Mirror][] =>
  entriesOf(dir)
    .filter((id) => existsSync(join(dir, id, "mirror.git")))
    .map((id) => [Number(id), mirrorAt(join(dir, id, "mirror.git"))]);

function mirrorAt(dir: string): Mirror {
  const format = "--format=%(refname) %(objectname)";
  const lines = plainGit(dir, "for-each-ref", format, "refs/heads", "refs/tags").split("\n").filter(Boolean);
  return {
    head: plainGit(dir, "symbolic-ref", "HEAD"),
    refs: Object.fromEntries(lines.map((line) => line.split(" ") as [string, string])),
    commits: commitsIn(dir),
  };
}

function commitsIn(dir: string): string[] {
  const check = ["--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"];
  const lines = plainGit(dir, "cat-file", ...check).split("\n");
  return lines.filter((line) => line.startsWith("commit ")).map((line) => line.slice("commit ".length));
}
