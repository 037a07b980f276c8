import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createMirrorsForNodes } from "../../src/serve/for-nodes.js";
import { createSlots } from "../../src/serve/slots.js";
import { PATH, plainGit, streamingGit } from "../support/git.js";
import { largeMirror } from "../support/large-mirror.js";
import { afterThis, serveAll } from "../support/listen.js";
import { fetchOf } from "../support/packets.js";
import { mirrorWithSecrets } from "../support/served.js";
import { tempDir } from "../support/temp.js";

const run = promisify(execFile);
const CLAIM = `Basic ${Buffer.from("x-access-token:signed").toString("base64")}`;

interface Options {
  running?: number;
  /** The directory of the mirror. */
  dir?: string;
  bodyMs?: number;
  stallMs?: number;
}

async function serve({ running = 2, dir, ...limits }: Options = {}) {
  const mirror = mirrorWithSecrets();
  const slots = createSlots({ running, waiting: 5 });
  const handler = createMirrorsForNodes({
    streamGit: streamingGit(),
    slots,
    mayRead: (claim, id) => claim === "signed" && id !== 3,
    open: (id) => (id === 1 ? (dir ?? mirror.dir) : null),
    timeoutMs: 600_000,
    ...limits,
  });
  const origin = await serveAll(handler);
  const urlOf = (id: number) => `${origin}/cluster/v1/mirrors/id/${id}.git`;
  const git = async (...args: string[]) => {
    const dir = join(tempDir(), "copy.git");
    await run("git", ["init", "-q", "--bare", dir], { env: { PATH } });
    const env = { PATH, GIT_DIR: dir, GIT_TERMINAL_PROMPT: "0" };
    const { stdout } = await run("git", ["-c", `http.extraHeader=Authorization: ${CLAIM}`, ...args], { env });
    return { dir, stdout };
  };
  const ask = (id: number, { path = "/info/refs?service=git-upload-pack", ...init }: Asked = {}) =>
    fetch(urlOf(id) + path, {
      ...init,
      headers: { authorization: CLAIM, "git-protocol": "version=2", ...init.headers },
    });
  return { mirror, slots, origin, urlOf, git, ask };
}

type Asked = RequestInit & { path?: string; headers?: Record<string, string> };
const PACK = { path: "/git-upload-pack", method: "POST" };

test("another node clones every ref of GitHub's, and fetches a kept tip by its name alone", async () => {
  const { mirror, urlOf, git } = await serve();
  const { stdout } = await git("ls-remote", urlOf(1));
  expect(stdout).toContain("refs/heads/main");
  expect(stdout).not.toContain("refs/lockstep");
  const kept = plainGit(mirror.dir, "for-each-ref", "--format=%(objectname)", "refs/lockstep/kept");
  const { dir } = await git("fetch", "-q", urlOf(1), "+refs/heads/*:refs/heads/*", kept);
  expect(plainGit(dir, "rev-parse", "main")).toBe(plainGit(mirror.dir, "rev-parse", "main"));
  expect(plainGit(dir, "cat-file", "-t", kept)).toBe("commit");
});

test("only a node with a claim for the mirror is answered, and nothing but reading is", async () => {
  const { ask, origin } = await serve();
  const statusOf = async (...call: Parameters<typeof ask>) => (await ask(...call)).status;
  expect(await statusOf(1)).toBe(200);
  for (const authorization of ["", "Basic", "Basic eDp5", "Bearer signed", `${CLAIM}, ${CLAIM}`])
    expect(await statusOf(1, { headers: { authorization } })).toBe(403);
  expect(await statusOf(2)).toBe(404);
  expect(await statusOf(3)).toBe(403);
  expect(await statusOf(1, { method: "POST" })).toBe(405);
  expect(await statusOf(1, { ...PACK, method: "GET" })).toBe(405);
  expect(await statusOf(1, { headers: { "git-protocol": "version=1" } })).toBe(400);
  for (const path of ["/git-receive-pack", "/info/refs?service=git-receive-pack", "/HEAD", "/../1.git/HEAD"])
    expect(await statusOf(1, { path })).toBe(404);
  expect((await fetch(`${origin}/cluster/v1/mirrors`)).status).toBe(404);
});

test("a request that is no request, or a bomb, is refused and takes no slot with it", async () => {
  const { ask } = await serve({ running: 1 });
  const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20));
  const gzip = { "content-encoding": "gzip" };
  expect((await ask(1, { ...PACK, body: bomb, headers: gzip })).status).toBe(400);
  expect((await ask(1, { ...PACK, body: "0000", headers: gzip })).status).toBe(400);
  const garbage = await ask(1, { ...PACK, body: "zzzz" }).then((answer) => answer.text().catch(() => ""));
  expect(garbage).not.toContain("PACK");
  expect((await ask(1)).status).toBe(200);
});

/** Sends the beginning of a request for a pack, and takes nothing of the answer. */
async function begin(origin: string, { length, body }: { length: number; body: string }) {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  afterThis(() => socket.destroy());
  await once(socket, "connect");
  const head = [
    "POST /cluster/v1/mirrors/id/1.git/git-upload-pack HTTP/1.1",
    "Host: a",
    `Content-Length: ${length}`,
    `Authorization: ${CLAIM}`,
    "Git-Protocol: version=2",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return socket;
}

test("a node whose request does not come to its end is cut off, and gives its slot back", async () => {
  const { ask, origin } = await serve({ running: 1, bodyMs: 200 });
  const socket = await begin(origin, { length: 100, body: "00" });
  const ended = once(socket, "close");
  expect((await ask(1)).status).toBe(200);
  await ended;
});

test("a node that takes nothing of its answer is cut off, and gives its slot back", async () => {
  const { dir, main } = largeMirror();
  const { ask, origin } = await serve({ running: 1, dir, stallMs: 400 });
  const body = fetchOf(`want ${main}`);
  const socket = await begin(origin, { length: body.length, body });
  await once(socket, "readable");
  // The slot is free once the first answer has ended.
  expect((await ask(1)).status).toBe(200);
});

test("a node that goes away in the middle of its request gives its slot back", async () => {
  const { ask, slots, origin } = await serve({ running: 1 });
  const socket = await begin(origin, { length: 100, body: "00" });
  const isTaken = () => {
    const taken = new AbortController();
    const got = slots.take(taken.signal).then(
      (giveBack) => {
        giveBack();
        return false;
      },
      () => true,
    );
    setImmediate(() => taken.abort());
    return got;
  };
  await expect.poll(isTaken).toBe(true);
  const waiting = ask(1);
  socket.destroy();
  expect((await waiting).status).toBe(200);
});
