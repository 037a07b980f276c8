import { expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../../src/git/transport/gateway.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const WANT = "a".repeat(40);
const HAVE = "b".repeat(40);
const line = (text: string) => (Buffer.byteLength(text) + 4).toString(16).padStart(4, "0") + text;
const RESULT = { "content-type": "application/x-git-upload-pack-result" };

async function ask(body: string, { maxBytes = 1_000, status = 200, timeoutMs = 5_000 } = {}) {
  const host = await scriptedHost(answer(status, body, RESULT));
  const gateway = await createGateway(host.origin, async () => "token-1");
  onTestFinished(() => gateway.close());
  const lease = gateway.open({ installationId: 7, owner: "acme", name: "app" });
  const question = { want: WANT, have: HAVE, timeoutMs, stallMs: timeoutMs, maxBytes };
  return { host, lease, pack: lease.pack(question, new AbortController().signal) };
}

test("one request asks for one object, and the pack is put together from its side band", async () => {
  const said = `${line("packfile\n")}${line("\u0002Counting\n")}${line("\u0001PA")}${line("\u0001CK")}0000`;
  const { host, lease, pack } = await ask(said);
  expect((await pack)?.toString()).toBe("PACK");
  const args = ["thin-pack", "no-progress", "ofs-delta", `want ${WANT}`, `have ${HAVE}`, "done"];
  const lines = args.map((arg) => line(`${arg}\n`)).join("");
  expect(host.asked.map(({ body }) => body)).toEqual([`${line("command=fetch\n")}0001${lines}0000`]);
  expect(host.asked[0]!.auth).toBe(`Basic ${btoa("x-access-token:token-1")}`);
  expect(lease.stats.requests).toBe(1);
});

test("an answer that is longer than wanted is not read to its end", async () => {
  const { pack } = await ask(`${line("packfile\n")}${line(`\u0001${"x".repeat(2_000)}`)}0000`);
  expect(await pack).toBe(null);
});

test("an object that GitHub does not serve is not there yet", async () => {
  const { pack } = await ask(line(`ERR upload-pack: not our ref ${WANT}`));
  await expect(pack).rejects.toMatchObject({ code: "not_yet" });
});

test("what GitHub says is told in one line without control characters", async () => {
  const { pack } = await ask(line(`ERR upload-pack: not our ref ${WANT}\n\u001b[2Jlevel=error`));
  await expect(pack).rejects.toThrow(/not our ref a{40} \[2Jlevel=error$/);
});

test.each([
  ["nothing", ""],
  ["no pkt-line", "<html>"],
  ["another section", `${line("acknowledgments\n")}${line("NAK\n")}0000`],
  ["shallow information", `${line("shallow-info\n")}0001${line("packfile\n")}0000`],
  ["a fatal error in the pack", `${line("packfile\n")}${line("\u0003died\n")}0000`],
  ["a line that is cut off", `${line("packfile\n")}00ff\u0001PACK`],
  ["no end", `${line("packfile\n")}${line("\u0001PACK")}`],
  ["another error", line("ERR access denied")],
])("an answer that is none is not taken for a pack: %s", async (_, said) => {
  await expect((await ask(said)).pack).rejects.toMatchObject({ code: "upstream_error" });
});

test.each([
  [404, "not_found"],
  [403, "forbidden"],
  [500, "upstream_error"],
])("the status %i counts as it does for git", async (status, code) => {
  await expect((await ask("", { status })).pack).rejects.toMatchObject({ code });
});

test("a server that says nothing is left in time", async () => {
  const host = await scriptedHost(() => {});
  const gateway = await createGateway(host.origin, async () => "token-1");
  onTestFinished(() => gateway.close());
  const lease = gateway.open({ installationId: 7, owner: "acme", name: "app" });
  const question = { want: WANT, have: HAVE, timeoutMs: 5_000, stallMs: 50, maxBytes: 1_000 };
  await expect(lease.pack(question, new AbortController().signal)).rejects.toMatchObject({ code: "timeout" });
});

test("nothing is asked before the lease allows it", async () => {
  const host = await scriptedHost(answer(200, "", RESULT));
  const gateway = await createGateway(host.origin, async () => "token-1");
  onTestFinished(() => gateway.close());
  const allowed = Promise.reject(new Error("the name is another repository's"));
  const lease = gateway.open({ installationId: 7, owner: "acme", name: "app" }, { allowed });
  const question = { want: WANT, have: HAVE, timeoutMs: 5_000, stallMs: 5_000, maxBytes: 1_000 };
  await expect(lease.pack(question, new AbortController().signal)).rejects.toThrow("another repository's");
  expect(host.asked).toEqual([]);
});
