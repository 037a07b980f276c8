import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { Handler } from "../../src/http/mount.js";

const releasers: (() => void)[] = [];
afterEach(() => {
  for (const release of releasers.splice(0).reverse()) release();
});

/** Registers a clean-up after the test; the last one registered runs first. */
export const afterThis = (release: () => void): void => void releasers.push(release);

/** @returns the address of a server that ends with the test. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterThis(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Serves handlers as Probot's server does: the first handler that returns true ends the request, else a plain
 * 404 does.
 */
export const serveAll = (...handlers: Handler[]): Promise<string> =>
  listen(async (req, res) => {
    for (const handler of handlers) if (await handler(req, res)) return;
    res.writeHead(404).end();
  });
