import { isDeepStrictEqual } from "node:util";
import type { World } from "../world.js";
import { type Holdings, holdingsOf, type View } from "./holdings.js";
import type { Life, Population } from "./population.js";

/** At most this much of a repository's history is printed with a fault. */
const SHOWN = 12;

/**
 * Lists differences from GitHub, one text each; a passing test has none.
 * @param kept repositories that had mirrors, which must stay whatever happened at GitHub
 */
export async function faultsOf(world: World, population: Population, kept: Set<number>): Promise<string[]> {
  const holdings = await holdingsOf(world);
  const faults = population.lives.flatMap((life) => {
    const wrong = wrongWith(life, holdings, population);
    const mirror = holdings.mirrors.get(life.repo.id);
    if (kept.has(life.repo.id) && !mirror) wrong.push("its mirror was deleted");
    const others = mirror?.commits.filter((commit) => !life.commits.includes(commit)) ?? [];
    if (others.length > 0) wrong.push(`its mirror has commits of another one: ${others.join(", ")}`);
    return wrong.map((what) => describe(life, what));
  });
  return [...faults, ...wrongLinks(population, holdings)];
}

const isHeld = ({ deleted, repo }: Life): boolean => !deleted && repo.installation !== null;

function wrongWith(life: Life, holdings: Holdings, population: Population): string[] {
  const view = holdings.views.get(life.repo.id);
  if (isHeld(life) && !life.repo.installation?.suspendedAt) return wrongInside(life, holdings);
  return wrongState(view, isHeld(life) || isHidden(view, population) ? ["gone", "suspended"] : ["gone"]);
}

/** GitHub sends no events about a suspended installation, so Lockstep may not know what moved there. */
const isHidden = (view: View | undefined, { standin }: Population): boolean =>
  Boolean(standin.world.installations.get(view?.installationId ?? 0)?.suspendedAt);

/** Whether Lockstep may not have heard of the repository. */
const wrongState = (view: View | undefined, right: string[]): string[] =>
  view && !right.includes(view.state) ? [`it is ${view.state}, not ${right.join(" or ")}`] : [];

function wrongInside({ repo, refs }: Life, { views, links, mirrors }: Holdings): string[] {
  const { id, owner, name, defaultBranch, installation } = repo;
  const view = { id, owner, name, state: "fresh", defaultBranch, installationId: installation!.id };
  const mirror = { head: `refs/heads/${defaultBranch}`, refs: Object.fromEntries(refs) };
  return [
    ...differs("its entry", views.get(id), view),
    ...differs("its link", links.get(`${owner}/${name}`), id),
    ...differs("its mirror", mirrors.get(id), { ...mirror, commits: mirrors.get(id)?.commits }),
  ];
}

function differs(what: string, found: unknown, right: unknown): string[] {
  if (isDeepStrictEqual(found, right)) return [];
  return [`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(right)}`];
}

/** A name that no repository visible to the App has may still lead to the last mirror with that name. */
function wrongLinks({ standin }: Population, { links, views }: Holdings): string[] {
  return [...links].flatMap(([fullName, id]) => {
    const [owner = "", name = ""] = fullName.split("/");
    const holder = standin.world.find(owner, name);
    const isOthers = holder?.installation && !holder.installation.suspendedAt && holder.id !== id;
    const view = views.get(id);
    if (!isOthers && view?.owner === owner && view.name === name) return [];
    return [`the link ${fullName} leads to ${id}, which is ${JSON.stringify(view)}`];
  });
}

const describe = ({ repo, history }: Life, what: string): string =>
  [`${repo.owner}/${repo.name} (${repo.id}): ${what}`, ...history.slice(-SHOWN)].join("\n    ");
