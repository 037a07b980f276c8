import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { Handler } from "../../src/http/handler.js";

const releasers: (() => void)[] = [];
afterEach(() => {
  for (const release of releasers.splice(0).reverse()) release();
});

/** Registers a clean-up after the test; the last one registered runs first. */
export const afterThis = (release: () => void): void => void releasers.push(release);

/** @returns the address of a server that ends with the test, or when it is closed */
export async function listenUntilClosed(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  afterThis(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** @returns the address of a server that ends with the test */
export const listen = async (listener: RequestListener): Promise<string> =>
  (await listenUntilClosed(listener)).url;

/** Answers as Probot's server does: the first handler that returns true ends the request, else a plain 404 does. */
export const answerAll =
  (...handlers: Handler[]): RequestListener =>
  async (req, res) => {
    for (const handler of handlers) if (await handler(req, res)) return;
    res.writeHead(404).end();
  };

export const serveAll = (...handlers: Handler[]): Promise<string> => listen(answerAll(...handlers));
