import { createServer } from "node:net";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../tools/lockstep.js";
import { spawnStart } from "../../tools/register-app.js";
import { type StandIn, startStandIn } from "../../tools/standin/index.js";
import { tempDir } from "../support/temp.js";

let standin: StandIn;
let taken: number;

beforeAll(async () => {
  standin = await startStandIn();
  await standin.createRepository("acme", "app");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  taken = (other.address() as { port: number }).port;
  return async () => {
    other.close();
    await standin.close();
  };
});

/** A documented address, which is no machine's: https://www.rfc-editor.org/rfc/rfc5737 */
const FOREIGN = "192.0.2.1";
const registered = (): Record<string, string> => ({ ...standin.env(), INTERVAL: "off" });

test.each([
  ["a taken port", registered, { HOST: "127.0.0.1" }, /already in use.*\n.*→.*PORT/],
  ["another machine's address", registered, { HOST: FOREIGN }, /EADDRNOTAVAIL.*\n.*→.*HOST/],
  ["a host that nobody knows", registered, { HOST: "nowhere.invalid" }, /nowhere\.invalid.*\n.*→.*HOST/],
  ["a taken port, before the App is registered", () => ({}), { HOST: "127.0.0.1" }, /already in use/],
])("%s ends the start with 1 and says why", async (_, env, { HOST }, reason) => {
  const cwd = tempDir();
  const port = HOST === "127.0.0.1" ? taken : await freePort();
  const first = spawnStart(cwd, port, { ...env(), HOST });
  onTestFinished(async () => void (await first.kill9()));
  expect(await first.exited).toEqual({ code: 1, signal: null });
  const said = first.log.map(({ msg }) => msg).join("\n");
  expect(said).toMatch(reason);
  expect(said).not.toMatch(/^ +at /m);
});

test("a start that ended so frees DATA_DIR for one that works", async () => {
  const cwd = tempDir();
  const failed = spawnStart(cwd, taken, { ...registered(), HOST: "127.0.0.1" });
  onTestFinished(async () => void (await failed.kill9()));
  await failed.exited;
  const works = spawnStart(cwd, await freePort(), { ...registered(), HOST: "127.0.0.1" });
  onTestFinished(async () => void (await works.kill9()));
  await works.waitForLog((line) => line.result === "cloned");
  expect(await works.stop()).toEqual({ code: 0, signal: null });
});

test("a key in a form that Probot refuses starts all the same", async () => {
  const { PRIVATE_KEY = "", ...env } = registered();
  const lines = Buffer.from(PRIVATE_KEY).toString("base64").replaceAll(/.{76}/g, "$&\n");
  const works = spawnStart(tempDir(), await freePort(), { ...env, HOST: "127.0.0.1", PRIVATE_KEY: lines });
  onTestFinished(async () => void (await works.kill9()));
  await works.waitForLog((line) => line.result === "cloned");
});
