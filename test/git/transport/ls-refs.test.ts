import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../../src/git/transport/gateway.js";
import { lsRefsRequest, readLsRefs } from "../../../src/git/transport/ls-refs.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const A = "a".repeat(40);
const B = "b".repeat(40);
const line = (text: string) => (Buffer.byteLength(text) + 4).toString(16).padStart(4, "0") + text;
const ANSWER = `${line(`${A} refs/heads/main\n`)}${line(`${B} refs/heads/main2\n`)}0000`;
const everything = () => true;
const read = (...chunks: (string | Buffer)[]) =>
  readLsRefs(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), everything);

async function ask(...answers: Parameters<typeof scriptedHost>) {
  const host = await scriptedHost(...answers);
  const gateway = await createGateway(host.origin, async () => "token-1");
  onTestFinished(() => gateway.close());
  const lease = gateway.open({ installationId: 7, owner: "acme", name: "app" });
  const question = {
    prefixes: ["refs/heads/main"],
    isWanted: (ref: string) => ref === "refs/heads/main",
    timeoutMs: 5_000,
  };
  return { host, lease, asked: lease.refs(question, new AbortController().signal) };
}

test("the request names each prefix, in pkt-lines of protocol version 2", () => {
  expect(lsRefsRequest(["refs/heads/main", "refs/heads/é"]).toString()).toBe(
    `${line("command=ls-refs\n")}0001${line("ref-prefix refs/heads/main\n")}${line("ref-prefix refs/heads/é\n")}0000`,
  );
});

test("an answer is the same however it is cut into pieces", async () => {
  const whole = await read(ANSWER);
  expect([...whole]).toEqual([
    ["refs/heads/main", A],
    ["refs/heads/main2", B],
  ]);
  for (let at = 1; at < ANSWER.length; at++) {
    expect(await read(ANSWER.slice(0, at), ANSWER.slice(at))).toEqual(whole);
  }
});

test.each([
  ["breaks off in a line", ANSWER.slice(0, -9)],
  ["has no end", ANSWER.slice(0, -4)],
  ["is empty", ""],
  ["is HTML", "<html><body>Unicorn!</body></html>"],
  ["is an error of the server's", line("ERR access denied or repository not exported")],
  ["has a line that is no ref", `${line("shallow x\n")}0000`],
])("an answer that %s is refused, and never read as a repository without refs", async (_, body) => {
  await expect(read(body)).rejects.toMatchObject({ code: "upstream_error" });
});

test("an unborn HEAD and attributes of refs are passed over", async () => {
  const body = `${line("unborn HEAD symref-target:refs/heads/main\n")}${line(`${A} refs/tags/v1 peeled:${B}\n`)}0000`;
  expect([...(await read(body))]).toEqual([["refs/tags/v1", A]]);
});

test("one request asks GitHub, with the token; names match exactly", async () => {
  const { host, lease, asked } = await ask(answer(200, ANSWER, { date: "Thu, 26 Nov 2026 01:00:00 GMT" }));
  expect([...(await asked)]).toEqual([["refs/heads/main", A]]);
  expect(host.asked).toMatchObject([
    { method: "POST", url: "/acme/app.git/git-upload-pack", auth: `Basic ${btoa("x-access-token:token-1")}` },
  ]);
  expect(lease.servedAt()).toBe(Date.parse("2026-11-26T01:00:00Z") / 1000);
  expect(lease.stats).toMatchObject({ requests: 1, bytes: ANSWER.length });
});

test("one odd answer is asked for again at once; a second one is the failure", async () => {
  expect([...(await (await ask(answer(502), answer(200, ANSWER))).asked)]).toHaveLength(1);
  await expect((await ask(answer(502), answer(502))).asked).rejects.toMatchObject({ code: "upstream_error" });
});

test.each([
  [404, {}, "not_found"],
  [429, { "retry-after": "7" }, "rate_limited"],
  [301, { location: "/acme/other.git" }, "moved"],
])("the status %i says what is wrong, and is not asked for again", async (status, headers, code) => {
  const { host, asked } = await ask(answer(status, "", headers));
  await expect(asked).rejects.toMatchObject({ code });
  expect(host.asked).toHaveLength(1);
});

test("an answer that never ends is given up in time, and an end of the run ends the question", async () => {
  const host = await scriptedHost(
    () => {},
    () => {},
  );
  const gateway = await createGateway(host.origin, async () => "token-1");
  onTestFinished(() => gateway.close());
  const lease = gateway.open({ installationId: 7, owner: "acme", name: "app" });
  const question = { prefixes: ["refs/"], isWanted: everything, timeoutMs: 50 };
  await expect(lease.refs(question, new AbortController().signal)).rejects.toMatchObject({ code: "timeout" });
  const run = new AbortController();
  const asked = lease.refs({ ...question, timeoutMs: 60_000 }, run.signal);
  const ended = expect(asked).rejects.toThrow();
  run.abort();
  await ended;
});
