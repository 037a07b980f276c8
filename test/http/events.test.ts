import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type ApiPorts, createApi } from "../../src/http/api.js";
import { createBearers } from "../../src/http/bearer.js";
import type { EventPorts } from "../../src/http/events.js";
import { afterThis, listen } from "../support/listen.js";

const TOKEN = "0123456789abcdef";
const LARGE = "x".repeat(10_000);

/** An endless supply of events, and a client that is notified of them. */
async function endless({ method = "GET" } = {}) {
  const state = { asked: 0, newest: 1, stopping: false };
  const events: EventPorts["events"] = {
    after(id, limit) {
      state.asked += 1;
      state.newest = id + limit;
      return Array.from(
        { length: limit },
        (_, n) => ({ id: id + n + 1, type: "changed", x: LARGE }) as never,
      );
    },
    bounds: () => ({ oldest: 1, newest: state.newest }),
    newEvents: new EventEmitter(),
    stopping: () => state.stopping,
  };
  const handler = createApi({
    bearers: createBearers({ apiToken: TOKEN, trustedProxies: [] }),
    ports: { events, get: () => null } as unknown as ApiPorts,
  });
  const sockets: Socket[] = [];
  const base = await listen((request, response) => {
    sockets.push(request.socket);
    void handler(request, response);
  });
  const client = connect(Number(new URL(base).port), "127.0.0.1");
  afterThis(() => client.destroy());
  client.write(`${method} /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  client.pause();
  client.on("error", () => {});
  return { state, client, sockets };
}

test("nothing piles up for a client that does not read, and the client is disconnected", async () => {
  const { state, client, sockets } = await endless();
  await once(client, "connect");
  while (sockets.length === 0) await new Promise(setImmediate);
  await closed(sockets[0]!);
  // Each batch is a megabyte, so only the kernel's buffers were filled.
  expect(state.asked).toBeLessThan(30);
});

test("a client that leaves is forgotten", async () => {
  const { state, client, sockets } = await endless();
  client.resume();
  await once(client, "data");
  const gone = closed(sockets[0]!);
  client.destroy();
  await gone;
  await turns();
  const { asked } = state;
  await turns();
  expect(state.asked).toBe(asked);
});

test("HEAD is answered at once, and no stream is begun that nobody would read", async () => {
  const { state, client, sockets } = await endless({ method: "HEAD" });
  client.resume();
  const [head] = await once(client, "data");
  expect(String(head)).toMatch(/^HTTP\/1\.1 200 .*\r\ncontent-type: text\/event-stream/is);
  await turns();
  expect([state.asked, sockets[0]!.destroyed]).toEqual([0, false]);
});

test("a stop ends the stream", async () => {
  const { state, client } = await endless();
  client.resume();
  await once(client, "data");
  state.stopping = true;
  let text = "";
  client.on("data", (chunk) => (text = (text + chunk).slice(-5)));
  while (!text.endsWith("0\r\n\r\n")) await once(client, "data");
});

/** A reset counts too, because "close" follows it. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise(setImmediate);
}

test("what is missing is said once, also when nothing of the repository was kept", async () => {
  const state = { asked: 0 };
  const newEvents = new EventEmitter();
  const events: EventPorts["events"] = {
    after() {
      state.asked += 1;
      return [];
    },
    bounds: () => ({ oldest: 40, newest: 50 }),
    newEvents,
    stopping: () => false,
  };
  const nodes = { events: { self: "a", others: () => [], follow() {} } };
  for (const [id, of] of [
    ["1", null],
    ["a:1", nodes],
  ] as const) {
    state.asked = 0;
    const handler = createApi({
      bearers: createBearers({ apiToken: TOKEN, trustedProxies: [] }),
      ports: { events, get: () => ({ id: 7 }) } as unknown as ApiPorts,
      nodes: of as never,
    });
    const base = await listen((request, response) => void handler(request, response));
    const left = new AbortController();
    const response = await fetch(`${base}/api/v1/events?repository=acme/app`, {
      headers: { authorization: `Bearer ${TOKEN}`, "last-event-id": id },
      signal: left.signal,
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("event: gap")) text += (await reader.read()).value;
    await turns();
    const { asked } = state;
    newEvents.emit("event");
    while (state.asked === asked) await turns();
    await turns();
    expect(state.asked).toBeLessThanOrEqual(asked + 1);
    expect(text.match(/event: gap/g)).toHaveLength(1);
    left.abort();
  }
});
