import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createStreamGit } from "../../src/git/run/stream.js";
import { createProcesses } from "../../src/machine/processes.js";
import { openListener } from "../../src/serve/listener.js";
import type { Rights } from "../../src/serve/rights.js";
import { NO_LOG } from "../support/config.js";
import { isRunning, PATH } from "../support/git.js";
import { largeMirror } from "../support/large-mirror.js";
import { EVERYBODY, mirrorWithSecrets, post, serveMirror } from "../support/served.js";
import { tempDir } from "../support/temp.js";

const pkt = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
const wantOf = (id: string) => `${pkt("command=fetch\n")}0001${pkt(`want ${id}\n`)}${pkt("done\n")}0000`;
const TYPE = { "content-type": "application/x-git-upload-pack-request", "git-protocol": "version=2" };

/** Serves with gits whose process ids are known. */
async function served(dir: string, options: Parameters<typeof serveMirror>[1] = {}) {
  const runDir = join(tempDir(), "run");
  const streamGit = createStreamGit({ binary: "git", path: PATH, processes: createProcesses(runDir) });
  const { url, listener } = await serveMirror(dir, { streamGit, ...options });
  return { url, listener, running: () => readdirSync(runDir).map(Number).filter(isRunning) };
}

/** Asks for a pack and does not read it. */
async function open(url: string, body: string): Promise<{ sent: ClientRequest; answer: IncomingMessage }> {
  const sent = request(`${url}/git-upload-pack`, { method: "POST", headers: TYPE });
  sent.on("error", () => {}).end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return { sent, answer };
}

async function read(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  return bytes;
}

test("rights are judged from the headers, before a byte of the body is read, at each request", async () => {
  const { dir, main } = mirrorWithSecrets();
  const judged: string[] = [];
  const rights: Rights = {
    async judge({ owner, name, authorization }) {
      judged.push(`${owner}/${name} ${authorization}`);
      return { kind: "no", status: authorization === null ? 401 : 404, retryAfter: null };
    },
  };
  const { url } = await served(dir, { rights });
  const asking = request(`${url}.git/git-upload-pack`, {
    method: "POST",
    headers: { ...TYPE, expect: "100-continue" },
  });
  let wasContinued = false;
  asking.on("continue", () => (wasContinued = true)).on("error", () => {});
  asking.flushHeaders();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  expect([answer.statusCode, answer.headers["www-authenticate"], wasContinued]).toEqual([
    401,
    'Basic realm="Lockstep"',
    false,
  ]);
  asking.destroy();
  expect((await post(url, 2, wantOf(main), { authorization: "Basic x" })).status).toBe(404);
  expect(judged).toEqual(["acme/site null", "acme/site Basic x"]);
});

test("a reader who asks whether to send its body is told to go on", async () => {
  const { dir, main } = mirrorWithSecrets();
  const { url } = await served(dir);
  const asking = request(`${url}/git-upload-pack`, {
    method: "POST",
    headers: { ...TYPE, expect: "100-continue" },
  });
  asking.flushHeaders();
  await once(asking, "continue");
  asking.end(wantOf(main));
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  expect([answer.statusCode, (await read(answer)) > 100]).toEqual([200, true]);
});

test.each<[string, string, number]>([
  ["GET", "/", 404],
  ["GET", "/acme", 404],
  ["GET", "/acme/site", 404],
  ["GET", "/acme/site/HEAD", 404],
  ["GET", "/acme/site/objects/info/packs", 404],
  ["GET", "/acme/site/info/refs", 403],
  ["GET", "/acme/site/info/refs?service=git-upload-archive", 403],
  ["GET", "/acme/site/info/refs?service=git-receive-pack", 403],
  ["POST", "/acme/site/git-receive-pack", 403],
  ["POST", "/acme/site/info/refs?service=git-upload-pack", 405],
  ["GET", "/acme/site/git-upload-pack", 405],
  ["GET", "/acme/../site/info/refs?service=git-upload-pack", 404],
  ["GET", "/acme/%2e%2e/info/refs?service=git-upload-pack", 404],
  ["GET", "/acme/site.git.git/info/refs?service=git-upload-pack", 404],
  ["GET", "//acme/site/info/refs?service=git-upload-pack", 404],
  ["GET", "http://other/acme/site/info/refs?service=git-upload-pack", 404],
])("%s %s is %i, and nobody's rights are asked", async (method, path, status) => {
  const judged: unknown[] = [];
  const rights: Rights = {
    judge(question) {
      judged.push(question);
      return EVERYBODY.judge(question);
    },
  };
  const { url } = await served(mirrorWithSecrets().dir, { rights });
  const asking = request(new URL(url).origin, { method, path });
  asking.on("error", () => {}).end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  expect([answer.statusCode, judged]).toEqual([status, []]);
});

test("a body of another type, of another compression, or that is none is refused", async () => {
  const { url } = await served(mirrorWithSecrets().dir);
  expect((await post(url, 2, "x", { "content-type": "text/plain" })).status).toBe(415);
  expect((await post(url, 2, "x", { "content-encoding": "br" })).status).toBe(415);
  expect((await post(url, 2, "x")).status).toBe(400);
  expect((await post(url, 2, "zzzz", { "content-encoding": "gzip" })).status).toBe(400);
});

test("a reader who leaves ends its git, and one who does not read holds it up", async () => {
  const { dir, main } = largeMirror();
  const { url, running } = await served(dir);
  const { sent, answer } = await open(url, wantOf(main));
  await expect.poll(running).toHaveLength(1);
  expect(answer.statusCode).toBe(200);
  sent.destroy();
  await expect.poll(running).toEqual([]);
});

test("an answer whose git dies is never ended as if it were whole", async () => {
  const { dir, main } = largeMirror();
  const { url, running } = await served(dir);
  const { answer } = await open(url, wantOf(main));
  await expect.poll(running).toHaveLength(1);
  process.kill(running()[0]!, "SIGKILL");
  await expect(read(answer)).rejects.toThrow(/aborted/);
});

test("a mirror whose packs are deleted while they are read is served to its end", async () => {
  const { dir, main } = largeMirror();
  const { url } = await served(dir);
  const { answer } = await open(url, wantOf(main));
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > 2 ** 20) rmSync(dir, { recursive: true, force: true });
  }
  expect(bytes).toBeGreaterThan(24 * 2 ** 20);
});

test("a stop lets answers finish, takes no new ones, and ends those that take too long", async () => {
  const { dir, main } = largeMirror();
  const patient = await served(dir, { shutdownTimeoutMs: 60_000 });
  const { answer } = await open(patient.url, wantOf(main));
  const closed = patient.listener.close();
  await expect(post(patient.url, 2, wantOf(main))).rejects.toThrow();
  expect(await read(answer)).toBeGreaterThan(24 * 2 ** 20);
  await closed;

  const hasty = await served(dir, { shutdownTimeoutMs: 10 });
  const cut = await open(hasty.url, wantOf(main));
  await hasty.listener.close();
  await expect(read(cut.answer)).rejects.toThrow(/aborted/);
  await expect.poll(hasty.running).toEqual([]);
});

test("a body that never ends does not hold up a stop", async () => {
  const { url, listener } = await served(mirrorWithSecrets().dir, { shutdownTimeoutMs: 10 });
  const asking = request(`${url}/git-upload-pack`, { method: "POST", headers: TYPE });
  asking.on("error", () => {});
  await new Promise<void>((resolve) => asking.write(pkt("command=fetch\n"), () => resolve()));
  await listener.close();
});

test("five hundred idle connections leave room for readers", async () => {
  const { dir, main } = mirrorWithSecrets();
  const { url, listener } = await served(dir);
  const sockets = Array.from({ length: 500 }, () => connect(listener.port, "127.0.0.1"));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  expect((await post(url, 2, wantOf(main))).text).toContain("PACK");
});

test("Lockstep ends TLS with the certificate that it is given", async () => {
  const dir = tempDir();
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  execFileSync("openssl", [...args, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const options = { port: 0, host: "127.0.0.1", tls: { cert, key }, shutdownTimeoutMs: 0 };
  const listener = await openListener(options, async (_, response) => void response.end("hello"), NO_LOG);
  onTestFinished(() => listener.close());
  const asking = secureRequest({ port: listener.port, host: "127.0.0.1", rejectUnauthorized: false });
  asking.end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  expect(await read(answer)).toBe(5);
});
