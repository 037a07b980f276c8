import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../../src/git/transport/gateway.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const APP = { owner: "acme", name: "app" };
const AUTHORIZATION = `Basic ${Buffer.from("x-access-token:ghs_reader").toString("base64")}`;
const ADVERT = "000eversion 2\n0000";
const GIT = { "content-type": "application/x-git-upload-pack-advertisement" };
type Scripted = Parameters<typeof scriptedHost>;

async function readersAt(...answers: Scripted) {
  const host = await scriptedHost(...answers);
  let minted = 0;
  const gateway = await createGateway(host.origin, async () => {
    minted += 1;
    return "ghs_app";
  });
  onTestFinished(() => gateway.close());
  return { ...host, readers: gateway.readers, minted: () => minted };
}

test("GitHub is asked with the reader's own credentials, never with the App's", async () => {
  const { readers, asked, minted } = await readersAt(answer(200, ADVERT, GIT), answer(401), answer(401));
  expect(await readers.mayRead(APP, AUTHORIZATION)).toEqual({ kind: "yes" });
  expect(await readers.mayRead(APP, AUTHORIZATION)).toEqual({ kind: "unauthorized" });
  expect(await readers.mayRead(APP, null)).toEqual({ kind: "unauthorized" });
  const url = "/acme/app.git/info/refs?service=git-upload-pack";
  expect(asked).toMatchObject([
    { method: "GET", url, auth: AUTHORIZATION },
    { url, auth: AUTHORIZATION },
    { url, auth: "" },
  ]);
  expect(minted()).toBe(0);
});

test.each([
  [403, {}, { kind: "no" }],
  [404, {}, { kind: "no" }],
  [410, {}, { kind: "no" }],
  [301, { location: "/acme/new.git/info/refs" }, { kind: "moved" }],
  [302, { location: "https://evil.example/" }, { kind: "moved" }],
  [429, { "retry-after": "7" }, { kind: "unavailable", retryAfterMs: 7_000 }],
  [403, { "retry-after": "60" }, { kind: "unavailable", retryAfterMs: 60_000 }],
  [500, {}, { kind: "unavailable", retryAfterMs: null }],
  [503, {}, { kind: "unavailable", retryAfterMs: null }],
] as [number, Record<string, string>, object][])(
  "the answer %i with %j means %j",
  async (status, headers, meaning) => {
    const { readers, asked } = await readersAt(answer(status, "", headers));
    expect(await readers.mayRead(APP, AUTHORIZATION)).toEqual(meaning);
    // Neither a redirect is followed nor the question repeated.
    expect(asked).toHaveLength(1);
  },
);

test("a page that is not git's is no yes", async () => {
  for (const [body, headers] of [
    ["<html>sign in</html>", { "content-type": "text/html" }],
    ["<html>sign in</html>", GIT],
    [ADVERT, { "content-type": "text/plain" }],
    ["", GIT],
  ] as [string, Record<string, string>][]) {
    const { readers } = await readersAt(answer(200, body, headers));
    expect(await readers.mayRead(APP, AUTHORIZATION), body).toMatchObject({ kind: "unavailable" });
  }
});

test("a server without protocol v2 that lists a million refs is left after the first of them", async () => {
  let sent = 0;
  const { readers } = await readersAt((_, res: ServerResponse) => {
    res.writeHead(200, GIT);
    const chunk = Buffer.alloc(2 ** 20, "a");
    const more = () => {
      while (!res.destroyed && sent < 200 && res.write(chunk)) sent += 1;
    };
    res.on("drain", more).on("error", () => {});
    more();
  });
  expect(await readers.mayRead(APP, AUTHORIZATION)).toEqual({ kind: "yes" });
  expect(sent).toBeLessThan(100);
});

test("a server that cannot be reached is no answer", async () => {
  const { readers, server } = await readersAt((req) => void req.socket.destroy());
  expect(await readers.mayRead(APP, AUTHORIZATION)).toMatchObject({ kind: "unavailable" });
  server.close();
});

test("a document of another server is read whole and within bounds, without credentials", async () => {
  const { readers, origin, asked } = await readersAt(
    answer(200, '{"keys":[]}', { "content-type": "application/json" }),
    answer(200, "x".repeat(300_000)),
    answer(404, "{}"),
  );
  expect(await readers.document(`${origin}/jwks`)).toBe('{"keys":[]}');
  await expect(readers.document(`${origin}/jwks`)).rejects.toThrow();
  await expect(readers.document(`${origin}/jwks`)).rejects.toThrow();
  expect(asked.map(({ auth }) => auth)).toEqual(["", "", ""]);
});
