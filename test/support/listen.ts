import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { Handler } from "../../src/http/mount.js";

const releasers: (() => void)[] = [];
afterEach(() => {
  for (const release of releasers.splice(0).reverse()) release();
});

/** Has something undone after the test, last in first out. */
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

/** Serves handlers in the way Probot's server does: the first true ends it, then its plain 404. */
export const serveAll = (...handlers: Handler[]): Promise<string> =>
  listen(async (req, res) => {
    for (const handler of handlers) if (await handler(req, res)) return;
    res.writeHead(404).end();
  });
