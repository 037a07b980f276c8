import { expect } from "vitest";
import type { Push, Repo } from "../../tools/standin/index.js";
import { type LogLine, World } from "./world.js";

export const MAIN = "refs/heads/main";
/** The target of a forced push in these tests: a commit without a parent. */
export const force = { orphan: true } as const;

export interface Shown {
  state: string;
  lastError: { code: string; message: string; hint: string } | null;
  lastFullAt: string;
  heads: Record<string, string>;
  kept: { name: string; ref: string | null; sha: string; keptAt: string; expiresAt: string; push: string }[];
  holds: { ref: string; tip: string; wanted: string; cause: string; allow: string; push: string }[];
}

const path = ({ owner, name }: Repo) => `/api/v1/repos/${owner}/${name}`;

export async function shown(world: World, repo: Repo): Promise<Shown> {
  return (await (await world.api(path(repo))).json()) as Shown;
}

export async function post(world: World, repo: Repo, call: string, body: object = {}) {
  const answer = await world.api(`${path(repo)}/${call}`, { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Requests a comparison of every ref, and waits for its end. */
export async function compare(world: World, repo: Repo): Promise<void> {
  const answer = await post(world, repo, "refresh?wait=30s");
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
}

/** GitHub's clock has whole seconds, so a push in the second of the clone is asked for by name. */
function nextSecond({ standin }: World): void {
  standin.strictClock = true;
  for (let ticks = 0; ticks < 3; ticks++) standin.world.tick();
}

/** Waits for the end of a refresh that a delivery requested. */
export async function refreshed(world: World, act: () => Promise<void>): Promise<LogLine> {
  const from = world.log.length;
  await act();
  return world.line(({ event, trigger }) => event === "refreshed" && trigger === "push", from);
}

/** Lockstep with one repository, whose next push is applied by word. */
export async function worldWith(env: Record<string, string> = {}) {
  const world = await World.create(env);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  nextSecond(world);
  return { world, repo, standin: world.standin };
}

/** A push that HISTORY=block refuses; resolves after the refusal. */
export async function refusedPush(world: World, act: () => Promise<Push>): Promise<Push> {
  const push = await act();
  await refreshed(world, () => world.pushed(push));
  return push;
}
