import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.js";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs1", format: "pem" }).toString();

async function chat(status: number) {
  const server = createServer((_, response) => void response.writeHead(status).end()).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const asked = once(server, "request") as Promise<[IncomingMessage]>;
  return { env: { APP_ID: "1", PRIVATE_KEY: PEM, ALERT_URL: `http://127.0.0.1:${port}/secret-path` }, asked };
}

test("a test alert is posted, and the address stays a secret", async () => {
  const { env, asked } = await chat(200);
  const call = await cli(env, "test-alert");
  expect(call).toMatchObject({ code: 0, err: "", out: expect.stringContaining("accepted by 127.0.0.1") });
  expect((await asked)[0]).toMatchObject({ method: "POST", url: "/secret-path" });
});

test("a message that is not accepted exits with 1 and the reason", async () => {
  const { env } = await chat(404);
  const call = await cli(env, "test-alert");
  expect(call).toMatchObject({ code: 1, err: expect.stringContaining("it answered 404") });
  expect(call.err + call.out).not.toContain("secret-path");
  expect(await cli({ ...env, ALERT_URL: "" }, "test-alert")).toMatchObject({
    code: 1,
    err: expect.stringContaining("ALERT_URL"),
  });
});
