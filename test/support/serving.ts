import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { World } from "./world.js";

/** @returns a port that nobody listens on */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A running Lockstep whose mirror of acme/app everybody may read. */
export async function servingWorld(env: Record<string, string> = {}) {
  const port = String(await freePort());
  const world = await World.create({ SERVE_PORT: port, ...env });
  const repo = await world.standin.createRepository("acme", "app");
  world.rights = {
    judge: async () => ({ kind: "yes", repositoryId: repo.id, reader: "everybody", way: "token" }),
  };
  await world.start(repo);
  return { world, repo, url: `http://127.0.0.1:${port}/acme/app` };
}
