import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPassedReads } from "../../src/cluster/passed-reads.js";
import { createSeal } from "../../src/cluster/seal.js";
import { createSigner, toHeader } from "../../src/cluster/signed-request.js";
import type { NodeCall, OtherNodes } from "../../src/serve/other-nodes.js";
import { createPassedOn } from "../../src/serve/passed-on.js";
import { createAnswerReader } from "../../src/serve/service.js";
import { createSlots } from "../../src/serve/slots.js";
import { NO_LOG } from "../support/config.js";
import { plainGit } from "../support/git.js";
import { afterThis, listen, serveAll } from "../support/listen.js";
import { fetchOf, listOf } from "../support/packets.js";
import {
  mirrorWithSecrets,
  post,
  readerDir,
  readerGit,
  type ServedOptions,
  serveMirror,
  servingParts,
} from "../support/served.js";

const seal = createSeal({ secret: "the secret of all nodes", cluster: "test" });
const stranger = createSeal({ secret: "another secret", cluster: "test" });
const now = Date.now;

/** A node that answers readers of other nodes from a mirror. @returns its address */
function startNode(dir: string, { aliveMs, ...options }: ServedOptions & { aliveMs?: number } = {}) {
  const { isOurs, open } = createPassedReads({ self: "b", seal, members: { get: () => null }, now });
  const answer = createAnswerReader(servingParts(dir, options));
  return serveAll(createPassedOn({ isOurs, open, answer, log: NO_LOG, ...(aliveMs && { aliveMs }) }));
}

/** The way from a node to others; each is called `b`, which is the name that it answers to. */
function waysTo(urls: string[], options: Partial<OtherNodes> = {}, by = seal): OtherNodes {
  const asked = [...urls];
  return {
    nodesWith: () => urls.map(() => "b"),
    isAlive: () => true,
    send(node, call, how) {
      const members = { get: () => ({ url: asked.shift() }) as never };
      return createPassedReads({ self: "a", seal: by, members, now }).send(node, call, how);
    },
    passing: createSlots({ running: 4, waiting: 10 }),
    timeoutMs: 600_000,
    ...options,
  };
}

/** Serves readers from other nodes alone. @returns the address of the repository */
const serveFrom = async (urls: string[], options: Partial<OtherNodes> = {}, by = seal) =>
  (await serveMirror("/nowhere", { openMirror: () => null, others: waysTo(urls, options, by) })).url;

const refsOf = (url: string) => post(url, 2, listOf());

test("a node that has the mirror in step answers; one that has not lets the next one answer, and asks nobody", async () => {
  const { dir, main } = mirrorWithSecrets();
  const others = waysTo([], { nodesWith: () => expect.unreachable("it was passed on twice") });
  const late = await startNode(dir, { ensureFresh: async () => false, others });
  const without = await startNode(dir, { openMirror: () => null, others });
  const url = await serveFrom([late, without, await startNode(dir)]);
  expect((await refsOf(url)).headers.get("x-lockstep-node")).toBe("b");
  for (const one of [late, without]) {
    const refused = await refsOf(await serveFrom([one]));
    // GitHub, which is asked last, cannot be reached.
    expect([refused.status, refused.headers.get("x-lockstep-node")]).toEqual([503, null]);
  }
  const clone = readerDir();
  const all = await serveFrom(Array.from({ length: 20 }, () => "").fill(await startNode(dir)));
  await readerGit(readerDir(), "clone", "-q", all, clone);
  expect(plainGit(join(clone, ".git"), "rev-parse", "HEAD")).toBe(main);
});

test("what a reader must not have is hidden at the other node, too", async () => {
  const { dir, hidden } = mirrorWithSecrets();
  const node = await startNode(dir);
  const { status, text } = await post(await serveFrom([node]), 2, fetchOf(`want ${hidden.commit}`));
  expect([status, text]).toEqual([200, expect.stringContaining("not our ref")]);
  expect((await refsOf(await serveFrom([node]))).text).not.toContain("lockstep");
});

const CALL: NodeCall = {
  repositoryId: 7,
  owner: "acme",
  name: "site",
  reader: "r",
  way: "public",
  version: 2,
  body: Buffer.from(listOf()),
};

test("only what a node has signed for this node, this path and this body is answered", async () => {
  const { dir } = mirrorWithSecrets();
  const url = await startNode(dir);
  const path = "/cluster/v1/reads/7/git-upload-pack";
  const { body: _, ...said } = CALL;
  const send = async ({ by = seal, to = "b", claimed = path, body = listOf(), at = now } = {}) => {
    const signer = createSigner({ self: "a", seal: by, now: at });
    const claim = signer.sign("reader", to, listOf(), { ...said, method: "POST", path: claimed });
    const headers = {
      "x-lockstep-reader": toHeader(claim),
      "content-type": "application/x-git-upload-pack-request",
    };
    return (await fetch(url + path, { method: "POST", headers, body })).status;
  };
  expect(await send()).toBe(200);
  expect(await send({ by: stranger })).toBe(403);
  expect(await send({ to: "c" })).toBe(403);
  expect(await send({ claimed: "/cluster/v1/reads/8/git-upload-pack" })).toBe(403);
  expect(await send({ body: fetchOf(`want ${"0".repeat(40)}`) })).toBe(403);
  expect(await send({ at: () => now() - 3_600_000 })).toBe(403);
  expect((await fetch(`${url}/cluster/v1/reads/`)).status).toBe(403);
  expect((await fetch(`${url}/cluster/v1/read`)).status).toBe(404);
});

test("a node that says nothing is given up; one that says it is at work is waited for", async () => {
  const { dir } = mirrorWithSecrets();
  const silent = await listen((request) => void request.resume());
  const node = await startNode(dir, { aliveMs: 50 });
  expect((await refsOf(await serveFrom([silent, node], { silenceMs: 1_000 }))).status).toBe(200);
  // It is silent for much longer, but for its signs of life.
  let go = () => {};
  const waits = new Promise<boolean>((resolve) => {
    go = () => resolve(true);
  });
  const slow = await startNode(dir, { aliveMs: 50, ensureFresh: () => waits });
  const answer = refsOf(await serveFrom([slow], { silenceMs: 1_000 }));
  await refsOf(await serveFrom([silent, node], { silenceMs: 2_500 }));
  go();
  expect((await answer).status).toBe(200);
});

test("a node that is found dead while it is silent is given up at once", async () => {
  const { dir } = mirrorWithSecrets();
  const silent = await listen((request) => void request.resume());
  let looks = 0;
  const isAlive = () => ++looks > 1;
  expect((await refsOf(await serveFrom([silent, await startNode(dir)], { isAlive }))).status).toBe(200);
});

test("an answer that breaks off is broken off for the reader, and never asked for again", async () => {
  const server = createServer(((_, response) => {
    response.writeHead(200, { "x-lockstep-source": "mirror" });
    response.write("003e", () => response.destroy());
  }) satisfies RequestListener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  afterThis(() => void server.close());
  const broken = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { dir } = mirrorWithSecrets();
  await expect(refsOf(await serveFrom([broken, await startNode(dir)]))).rejects.toThrow();
});

test("a reader that takes nothing is cut off, and the slot is free for the next one", async () => {
  const endless = await listen((_, response) => {
    response.writeHead(200);
    const more = () => {
      while (response.write(Buffer.alloc(64 * 1024)));
    };
    response.on("drain", more);
    more();
  });
  const { dir } = mirrorWithSecrets();
  const passing = createSlots({ running: 1, waiting: 1 });
  const url = new URL(await serveFrom([endless], { silenceMs: 300, passing }));
  const next = await serveFrom([await startNode(dir)], { passing });
  const socket = connect(Number(url.port), "127.0.0.1");
  afterThis(() => socket.destroy());
  await once(socket, "connect");
  const body = listOf();
  const head = [
    `POST ${url.pathname}/git-upload-pack HTTP/1.1`,
    "Host: a",
    `Content-Length: ${body.length}`,
    "Content-Type: application/x-git-upload-pack-request",
    "Git-Protocol: version=2",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  await once(socket, "readable");
  // The second one waits for the first one's slot.
  expect((await refsOf(next)).status).toBe(200);
});
