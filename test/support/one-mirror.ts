import { freePort } from "../../tools/lockstep.js";
import { World } from "./world.js";

/** A running Lockstep whose mirror of acme/app, which is public, everybody may read. */
export async function oneMirror(env: Record<string, string> = {}) {
  const port = String(await freePort());
  const world = await World.create({ SERVE_PORT: port, READERS: "public", ...env });
  const repo = await world.standin.createRepository("acme", "app", { private: false });
  await world.start(repo);
  return { world, repo, url: `http://127.0.0.1:${port}/acme/app` };
}
