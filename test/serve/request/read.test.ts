import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { DELIM, FLUSH, pktLine } from "../../../src/serve/pktline.js";
import { createRequestReader, LIMITS } from "../../../src/serve/request/body.js";
import type { FetchRequest, ListRequest, Version } from "../../../src/serve/request/form.js";
import { versionOf } from "../../../src/serve/request/version.js";
import { writeRequest } from "../../../src/serve/request/write.js";

const A = "a".repeat(40);
const B = "b".repeat(40);

const lines = (...texts: string[]) =>
  texts.map((it) => (it === FLUSH || it === DELIM ? it : pktLine(it))).join("");
const fetch2 = (...args: string[]) =>
  lines("command=fetch", "agent=git/2.39.5", "object-format=sha1", DELIM, ...args, FLUSH);

async function read(body: string | Buffer, version: Version, headers = {}, limits = LIMITS) {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  const { request } = await createRequestReader(limits)(
    Readable.from([bytes], { objectMode: false }),
    headers,
    version,
  );
  return request;
}

const rewritten = async (body: string, version: Version) =>
  writeRequest((await read(body, version)) as FetchRequest | ListRequest);

const refused = (body: string | Buffer, version: Version, status = 400) =>
  expect(read(body, version)).rejects.toMatchObject({ status });

test("a fetch of version 2 is rewritten from what was understood", async () => {
  const body = fetch2(
    "thin-pack",
    "ofs-delta",
    `want ${B}`,
    `want ${A}`,
    `want ${A}`,
    `shallow ${B}`,
    "deepen 1",
    `have ${B}`,
    "done",
  );
  expect(await rewritten(body, 2)).toBe(
    lines(
      "command=fetch",
      DELIM,
      "ofs-delta",
      "thin-pack",
      `want ${A}`,
      `want ${B}`,
      `shallow ${B}`,
      "deepen 1",
      `have ${B}`,
      "done",
      FLUSH,
    ),
  );
});

test("a list of refs keeps prefixes that are not UTF-8", async () => {
  const body = lines(
    "command=ls-refs",
    "agent=x",
    DELIM,
    "symrefs",
    "peel",
    "ref-prefix refs/heads/\xe9",
    FLUSH,
  );
  expect(await rewritten(body, 2)).toBe(
    lines("command=ls-refs", DELIM, "peel", "symrefs", "ref-prefix refs/heads/\xe9", FLUSH),
  );
});

test.each<[string, string[], string[]]>([
  [
    "no haves yet",
    [`want ${A} multi_ack_detailed side-band-64k agent=git/2.39.5`, "deepen 1", FLUSH],
    [`want ${A} multi_ack_detailed side-band-64k`, "deepen 1", FLUSH],
  ],
  [
    "a round of haves",
    [`want ${A}  multi_ack shallow `, FLUSH, `have ${B}`, FLUSH],
    [`want ${A} multi_ack`, FLUSH, `have ${B}`, FLUSH],
  ],
  [
    "the end",
    [`want ${B} no-done filter`, `want ${A}`, "filter blob:none", FLUSH, `have ${B}`, "done", FLUSH],
    [`want ${A} filter no-done`, `want ${B}`, "filter blob:none", FLUSH, `have ${B}`, "done"],
  ],
])("a fetch of version 0 and 1 with %s is rewritten", async (_, body, expected) => {
  for (const version of [0, 1] as const)
    expect(await rewritten(lines(...body), version)).toBe(lines(...expected));
});

test("an empty request is git's probe", async () => {
  for (const version of [0, 1, 2] as const) expect(await read(FLUSH, version)).toEqual({ command: "probe" });
});

test.each<[string, string]>([
  ["another command", lines("command=object-info", DELIM, "size", `oid ${A}`, FLUSH)],
  ["a command in capitals", lines("COMMAND=fetch", DELIM, `want ${A}`, FLUSH)],
  ["a want in capitals", fetch2(`WANT ${A}`)],
  ["junk behind an object name", fetch2(`want ${A} junk`)],
  ["an object name in capitals", fetch2(`want ${"A".repeat(40)}`)],
  ["a short object name", fetch2("want abc")],
  ["a ref instead of an object name", fetch2("want refs/heads/main")],
  ["a wanted ref", fetch2("want-ref refs/heads/main")],
  ["URIs of packs", fetch2(`want ${A}`, "packfile-uris https")],
  ["a sideband for all", fetch2("sideband-all", `want ${A}`)],
  ["wait-for-done", fetch2("wait-for-done", `want ${A}`)],
  ["no want", fetch2(`have ${A}`, "done")],
  ["a sparse filter", fetch2(`want ${A}`, `filter sparse:oid=${A}`)],
  ["a sparse filter by name", fetch2(`want ${A}`, "filter sparse:oid=refs/lockstep/kept/x:file")],
  ["a combined filter", fetch2(`want ${A}`, "filter combine:blob:none+tree:0")],
  ["a deeper tree", fetch2(`want ${A}`, "filter tree:1")],
  ["a depth of 0", fetch2(`want ${A}`, "deepen 0")],
  ["a negative depth", fetch2(`want ${A}`, "deepen -1")],
  ["a depth twice", fetch2(`want ${A}`, "deepen 1", "deepen 2")],
  ["a depth and a time", fetch2(`want ${A}`, "deepen 1", "deepen-since 1")],
  ["a server option", lines("command=fetch", "server-option=x", DELIM, `want ${A}`, FLUSH)],
  ["SHA-256", lines("command=fetch", "object-format=sha256", DELIM, `want ${A}`, FLUSH)],
  ["two delimiters", lines("command=fetch", DELIM, DELIM, `want ${A}`, FLUSH)],
  ["a second request", fetch2(`want ${A}`) + fetch2(`want ${A}`)],
  ["no end", lines("command=fetch", DELIM, `want ${A}`)],
  ["an unfinished line", `${lines("command=fetch", DELIM)}0032want`],
  ["a line end within a line", fetch2(`want ${A}\nhave ${B}`)],
  ["an empty line", `${lines("command=fetch", DELIM)}0004${FLUSH}`],
  ["a length of 3", "0003"],
  ["a length that is no number", "00zz"],
  ["a response end", `${lines("command=fetch", DELIM, `want ${A}`)}0002`],
  ["a line that is too long", `ffff${"x".repeat(70_000)}`],
  ["nothing", ""],
])("version 2 refuses %s", async (_, body) => {
  await refused(body, 2);
});

test.each<[string, string]>([
  ["a capability that is not offered", lines(`want ${A} push-options`, FLUSH, "done")],
  ["junk on a later want", lines(`want ${A}`, `want ${B} thin-pack`, FLUSH, "done")],
  ["a first line that is no want", lines(`shallow ${A}`, `want ${A}`, FLUSH, "done")],
  ["a have among the wants", lines(`want ${A}`, `have ${A}`, FLUSH, "done")],
  ["a want among the haves", lines(`want ${A}`, FLUSH, `want ${B}`, "done")],
  ["a sparse filter", lines(`want ${A} filter`, `filter sparse:oid=${A}`, FLUSH, "done")],
  ["lines after its end", lines(`want ${A}`, FLUSH, "done", `have ${A}`)],
  ["lines after a round", lines(`want ${A}`, FLUSH, `have ${A}`, FLUSH, "done")],
  ["no end", lines(`want ${A}`, FLUSH, `have ${A}`)],
  ["a request of version 2", fetch2(`want ${A}`)],
])("version 0 and 1 refuse %s", async (_, body) => {
  await refused(body, 0);
  await refused(body, 1);
});

test("a compressed body is read, and a bomb is refused where it exceeds the limit", async () => {
  const gzip = { "content-encoding": "gzip" };
  expect(await read(gzipSync(fetch2(`want ${A}`, "done")), 2, gzip)).toMatchObject({ wants: [A] });
  const haves = Array.from({ length: 30_000 }, () => `have ${B}`);
  const bomb = gzipSync(fetch2(`want ${A}`, ...haves));
  await expect(read(bomb, 2, gzip, { ...LIMITS, maxBytes: 2 ** 20 })).rejects.toMatchObject({ status: 413 });
  await expect(read(bomb, 2, { "content-encoding": "br" })).rejects.toMatchObject({ status: 415 });
  await expect(read(bomb.subarray(0, 50), 2, gzip)).rejects.toMatchObject({ status: 400 });
});

test("one request names 65,536 objects at most", async () => {
  const haves = Array.from({ length: 65_536 }, () => `have ${B}`);
  const body = (ids: string[]) => fetch2(`want ${A}`).replace(/0000$/, ids.map(pktLine).join("") + FLUSH);
  await refused(body(haves), 2);
  expect(await read(body(haves.slice(1)), 2)).toMatchObject({ command: "fetch" });
});

test("bodies count until they are released, and others are asked to come back", async () => {
  const body = () => Readable.from([Buffer.from(fetch2(`want ${A}`, "done"))], { objectMode: false });
  const readRequest = createRequestReader({ ...LIMITS, maxBytesInFlight: 200 });
  const held = await readRequest(body(), {}, 2);
  await expect(readRequest(body(), {}, 2)).rejects.toMatchObject({ status: 503, retryAfter: 5 });
  held.release();
  held.release();
  await expect(readRequest(body(), {}, 2)).resolves.toBeDefined();
});

test("a body that arrives too slowly is refused, and its connection is left for the answer", async () => {
  const body = new Readable({ read() {} });
  const readRequest = createRequestReader({ ...LIMITS, timeoutMs: 5 });
  await expect(readRequest(body, {}, 2)).rejects.toMatchObject({ status: 408 });
  expect(body.destroyed).toBe(false);
});

test("one byte at a time is read like one piece", async () => {
  const bytes = [...Buffer.from(fetch2(`want ${A}`, "done"))].map((it) => Buffer.from([it]));
  const { request } = await createRequestReader()(Readable.from(bytes, { objectMode: false }), {}, 2);
  expect(request).toMatchObject({ wants: [A], end: "done" });
});

test("the highest known version of the header counts", () => {
  expect(
    [undefined, "version=1", "version=2", "version=1:version=2", "version=3", "x"].map(versionOf),
  ).toEqual([0, 1, 2, 2, 0, 0]);
});
