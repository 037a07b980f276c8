import { expect } from "vitest";
import type { Repo, WikiEdit } from "../../tools/standin/index.js";
import type { World } from "./world.js";

/** Saves a page of a repository's wiki at GitHub, without a delivery. */
export const wrote = (world: World, repo: Repo, page = "Home", text = `${page} at ${performance.now()}`) =>
  world.standin.writePage(repo, page, text);

/** Delivers what GitHub tells of an edit. */
export async function delivered(world: World, edit: WikiEdit): Promise<void> {
  const payload = world.standin.eventFor("gollum", "edited", edit);
  const to = `${world.url}/api/github/webhooks`;
  expect((await world.standin.deliverEvent("gollum", payload, { to })).status).toBe(202);
}

/** Delivers what GitHub tells of a change of a repository's name, owner or rights. */
export async function told(
  world: World,
  action: "renamed" | "transferred" | "deleted" | "privatized",
  repo: Repo,
): Promise<void> {
  const payload = world.standin.eventFor("repository", action, { repo });
  await world.standin.deliverEvent("repository", payload, { to: `${world.url}/api/github/webhooks` });
}
