import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { hideCredentials } from "../../../src/http/privacy.js";
import { readCredential } from "../../../src/serve/rights/credential.js";
import { authorizationOf } from "../../../src/serve/rights/header.js";
import { afterThis, listen } from "../../support/listen.js";

/** Returns what a server of this process finds in a request with these header lines. */
async function found(...lines: string[]): Promise<{ shown: string | undefined; read: string | null }> {
  onTestFinished(hideCredentials());
  const requests: IncomingMessage[] = [];
  const base = await listen((request, response) => {
    requests.push(request);
    response.end();
  });
  const client = connect(Number(new URL(base).port), "127.0.0.1");
  afterThis(() => client.destroy());
  client.write(`GET / HTTP/1.1\r\nHost: x\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
  await once(client, "data");
  return { shown: requests[0]!.headers.authorization, read: authorizationOf(requests[0]!) };
}

test("credentials are read though no handler of this process is shown them", async () => {
  expect(await found("AUTHORIZATION: basic eDp5")).toEqual({ shown: undefined, read: "basic eDp5" });
  expect(await found("Accept: authorization", "X: authorization")).toEqual({ shown: undefined, read: null });
});

test("two credentials in one request are none", async () => {
  const { read } = await found("Authorization: Bearer one", "authorization: Bearer lockstep_two");
  expect(readCredential(read, "https://issuer.example.com").kind).toBe("unusable");
});
