import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  deliver,
  type Harness,
  headersFor,
  MIB,
  open,
  PATHS,
  PUSH,
  startReceiver,
} from "../support/receiver.js";

let harness: Harness;
afterEach(() => harness.close());

const LIMIT = 25 * MIB;
const padding = Buffer.alloc(MIB, "x");

/** A push of exactly this many bytes. */
function pushOf(bytes: number): Buffer {
  const [head, tail] = JSON.stringify({ ...PUSH, filler: "|" }).split("|") as [string, string];
  return Buffer.concat([
    Buffer.from(head),
    Buffer.alloc(bytes - head.length - tail.length, "x"),
    Buffer.from(tail),
  ]);
}

/** Begins a chunked POST on a plain socket: Node's HTTP client stops sending once it has the answer. */
function openRaw(headers: Record<string, string>) {
  const socket = connect(harness.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  // The server reads on for five seconds after its answer; a busy machine may not send all in that time.
  socket.on("error", () => {});
  let answer = "";
  socket.on("data", (data) => {
    answer += data;
  });
  const lines = Object.entries({ ...headers, host: "x", "transfer-encoding": "chunked" });
  socket.write(
    `POST ${PATHS[0]} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n`,
  );
  return { socket, closed, answer: () => answer };
}

describe.each([["with Content-Length"], ["chunked"]])("a body %s", (how) => {
  const send = (bytes: number) => {
    const body = pushOf(bytes);
    const length: Record<string, string> =
      how === "chunked" ? { "transfer-encoding": "chunked" } : { "content-length": String(bytes) };
    const { outgoing, answer } = open(harness.port, { headers: { ...headersFor(body), ...length } });
    outgoing.end(body);
    return answer;
  };

  it("of 24 MiB and of 25 MiB is accepted", async () => {
    harness = await startReceiver();
    expect((await send(24 * MIB)).status).toBe(202);
    expect((await send(LIMIT)).status).toBe(202);
    expect(harness.accepted).toHaveLength(2);
  });

  it("of one byte more, or of 26 MiB, is not", async () => {
    harness = await startReceiver();
    for (const bytes of [LIMIT + 1, 26 * MIB]) {
      const answer = await send(bytes);
      expect([answer.status, answer.headers.connection]).toEqual([413, "close"]);
    }
    expect(harness.accepted).toEqual([]);
  });
});

describe("a body that is too large", () => {
  it("is refused by its announced length before any of it is sent", async () => {
    harness = await startReceiver();
    const headers = { ...headersFor(""), "content-length": String(26 * MIB) };
    const { outgoing, answer } = open(harness.port, { headers });
    outgoing.flushHeaders();
    expect((await answer).status).toBe(413);
    outgoing.destroy();
  });

  it("never fills the memory, however long it goes on", async () => {
    harness = await startReceiver();
    const { socket, closed, answer } = openRaw(headersFor(""));
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    for (let sent = 0; sent < 400 && !socket.destroyed; sent += 1) {
      socket.write(`${MIB.toString(16)}\r\n`);
      socket.write(padding);
      const drained = new Promise((resolve) => socket.once("drain", resolve));
      if (!socket.write("\r\n")) await Promise.race([drained, closed]);
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    socket.write("0\r\n\r\n");
    await closed;
    expect(answer()).toMatch(/^HTTP\/1\.1 413 /);
    // Bodies held when the limit was reached are garbage that may not be collected yet.
    expect(peak).toBeLessThan(100 * MIB);
  });
});

describe("a body that arrives slowly", () => {
  it("is answered with 408 when its time is up", async () => {
    harness = await startReceiver({ bodyTimeoutMs: 50 });
    const body = JSON.stringify(PUSH);
    const { outgoing, answer } = open(harness.port, {
      headers: { ...headersFor(body), "content-length": String(body.length) },
    });
    outgoing.write(body.slice(0, 10));
    expect((await answer).status).toBe(408);
    outgoing.destroy();
    expect(harness.accepted).toEqual([]);
  });

  it("has no effect when its sender goes away", async () => {
    harness = await startReceiver({ maxBytesInFlight: 2 * MIB });
    const { outgoing } = open(harness.port, {
      headers: { ...headersFor(""), "content-length": String(4 * MIB) },
    });
    outgoing.write(padding);
    await expect.poll(() => received()).toBeGreaterThan(MIB);
    outgoing.destroy();
    await expect.poll(() => harness.sockets.size).toBe(0);
    expect(harness.lines).toEqual([]);
    // The bytes of the closed request no longer count.
    expect((await deliver(harness.port, pushOf(1.5 * MIB))).status).toBe(202);
  });
});

describe("a body in pieces of one byte", () => {
  /** Sends pieces of one byte until the connection is closed. @returns how many were sent */
  async function sendPieces(headers: Record<string, string>) {
    const { socket, closed } = openRaw(headers);
    const many = "1\r\nx\r\n".repeat(10_000);
    let sent = 0;
    for (; sent < 5_000_000 && !socket.destroyed; sent += 10_000) {
      if (socket.write(many)) continue;
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
    }
    socket.destroy();
    return sent;
  }

  it("is refused after some thousands, and no more of it is read", async () => {
    harness = await startReceiver();
    const sent = await sendPieces(headersFor(""));
    expect(sent).toBeLessThan(5_000_000);
    expect(harness.lines.map(({ fields }) => fields.reason)).toEqual(["fragmented"]);
    expect(harness.accepted).toEqual([]);
  });

  it("is not read on after a refusal for another reason either", async () => {
    harness = await startReceiver();
    const sent = await sendPieces({ "x-github-event": "push" });
    expect(sent).toBeLessThan(5_000_000);
  });

  it("is accepted when it is short", async () => {
    harness = await startReceiver();
    const body = Buffer.from(JSON.stringify(PUSH));
    const { outgoing, answer } = open(harness.port, {
      headers: { ...headersFor(body), "transfer-encoding": "chunked" },
    });
    for (const byte of body) outgoing.write(Buffer.of(byte));
    outgoing.end();
    expect((await answer).status).toBe(202);
  });
});

describe("bytes in flight", () => {
  it("are bounded over all requests: 503 until some are answered", async () => {
    harness = await startReceiver({ maxBytesInFlight: 2 * MIB });
    const body = pushOf(1.5 * MIB);
    const first = open(harness.port, {
      headers: { ...headersFor(body), "content-length": String(body.length) },
    });
    first.outgoing.write(body.subarray(0, MIB));
    await expect.poll(() => received()).toBeGreaterThan(MIB);

    const refused = await deliver(harness.port, body);
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "5"]);
    first.outgoing.end(body.subarray(MIB));
    expect((await first.answer).status).toBe(202);
    expect((await deliver(harness.port, body)).status).toBe(202);
  });

  it("are released by every kind of answer", async () => {
    harness = await startReceiver({ maxBytesInFlight: 2 * MIB });
    const body = pushOf(1.5 * MIB);
    for (let sent = 0; sent < 4; sent += 1) {
      expect((await deliver(harness.port, body, { "x-hub-signature-256": "sha256=0" })).status).toBe(401);
      expect((await deliver(harness.port, pushOf(3 * MIB))).status).toBe(503);
      expect((await deliver(harness.port, body)).status).toBe(202);
    }
  });
});

const received = () => [...harness.sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);

it("an unsigned body is refused without a copy of it in one piece", async () => {
  harness = await startReceiver();
  const copy = vi.spyOn(Buffer, "concat");
  const answer = await deliver(harness.port, pushOf(24 * MIB), { "x-hub-signature-256": "sha256=0" });
  const copied = copy.mock.results.map(({ value }) => (value as Buffer).length);
  copy.mockRestore();
  expect(answer.status).toBe(401);
  // The test itself copies the body once, to make it.
  expect(copied.filter((length) => length > MIB)).toHaveLength(1);
});
