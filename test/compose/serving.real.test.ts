import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import { configOf, NO_LOG } from "../support/config.js";
import { tempDir } from "../support/temp.js";

/** @returns a port that nobody listens on */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("with SERVE_PORT mirrors are served to those who may read them, and nobody may yet", async () => {
  const port = await freePort();
  const lockstep = await compose(configOf(tempDir(), { SERVE_PORT: String(port) }), NO_LOG);
  onTestFinished(() => lockstep.close());
  const answer = await fetch(`http://127.0.0.1:${port}/acme/site/info/refs?service=git-upload-pack`);
  expect([answer.status, await answer.text()]).toEqual([404, "not found\n"]);
  await lockstep.close();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});
