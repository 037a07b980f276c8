import { fork } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Releasers } from "../tools/releasers.js";

/** A delivery that is sent many times, each time under another id. */
export interface Prepared {
  /** Everything before the id of the delivery, and everything behind it. */
  before: Buffer;
  after: Buffer;
}

/** What became of the calls. */
export interface Calls {
  /** The ids of the deliveries that were answered 202 or 204. */
  ids: string[];
  /** How long each answer took, in milliseconds. */
  ms: number[];
  /** How often each other status came. */
  refused: Map<number, number>;
}

/** What a process that calls is asked to do. */
export interface Order {
  port: number;
  /** In Base64. */
  deliveries: { before: string; after: string }[];
  connections: number;
  forMs: number;
  /** Undefined: as many as the connections allow. */
  perSecond?: number;
}

interface Target {
  port: number;
  prepared: readonly Prepared[];
}

/** Signs a delivery once, so that sending it costs the machine as little as possible. */
export function prepare(event: string, payload: object, secret: string): Prepared {
  const body = JSON.stringify(payload);
  const head = [
    "POST /api/github/webhooks HTTP/1.1",
    "host: 127.0.0.1",
    "accept: */*",
    "content-type: application/json",
    "user-agent: GitHub-Hookshot/044aadd",
    `x-github-event: ${event}`,
    "x-github-hook-id: 292430182",
    "x-github-hook-installation-target-id: 79929171",
    "x-github-hook-installation-target-type: integration",
    `x-hub-signature-256: sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "x-github-delivery: ",
  ];
  return { before: Buffer.from(head.join("\r\n")), after: Buffer.from(`\r\n\r\n${body}`) };
}

/** Starts a process that calls, and does nothing else. */
export function startCaller(releasers: Releasers) {
  const child = fork(fileURLToPath(new URL("./webhook-caller.js", import.meta.url)));
  releasers.add(() => void child.kill());
  return async (prepared: readonly Prepared[], how: Omit<Order, "deliveries">): Promise<Calls> => {
    const deliveries = prepared.map(({ before, after }) => ({
      before: before.toString("base64"),
      after: after.toString("base64"),
    }));
    child.send({ ...how, deliveries } satisfies Order);
    const [{ refused, ...calls }] = (await once(child, "message")) as [
      Omit<Calls, "refused"> & { refused: [number, number][] },
    ];
    return { ...calls, refused: new Map(refused) };
  };
}

const emptyCalls = (): Calls => ({ ids: [], ms: [], refused: new Map() });

/** Calls over some connections, each of which sends the next delivery once the last one is answered. */
export async function callAtFullSpeed(
  target: Target,
  { connections, forMs }: { connections: number; forMs: number },
): Promise<Calls> {
  const calls = emptyCalls();
  const end = performance.now() + forMs;
  const one = async (socket: Socket, first: number) => {
    for (let n = first; performance.now() < end; n += connections) await call(socket, target, n, calls);
  };
  await overConnections(target.port, connections, one);
  return calls;
}

/** Calls so many times a second, at even distances: a slow answer does not delay the next call. */
export async function callAtRate(
  target: Target,
  { connections, perSecond, forMs }: { connections: number; perSecond: number; forMs: number },
): Promise<Calls> {
  const calls = emptyCalls();
  const began = performance.now();
  let next = 0;
  const one = async (socket: Socket) => {
    for (;;) {
      const n = next++;
      const dueMs = (n * 1_000) / perSecond;
      if (dueMs >= forMs) return;
      await sleep(Math.max(0, began + dueMs - performance.now()));
      // What waited for a free connection counts as waiting for the answer.
      await call(socket, target, n, calls, began + dueMs);
    }
  };
  await overConnections(target.port, connections, one);
  return calls;
}

async function overConnections(
  port: number,
  count: number,
  act: (socket: Socket, n: number) => Promise<void>,
): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(port)));
  try {
    await Promise.all(sockets.map(act));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

async function call(
  socket: Socket,
  { prepared }: Target,
  n: number,
  calls: Calls,
  sentAt = performance.now(),
) {
  const { before, after } = prepared[n % prepared.length]!;
  const id = randomUUID();
  socket.write(Buffer.concat([before, Buffer.from(id), after]));
  const status = await statusOf(socket);
  calls.ms.push(performance.now() - sentAt);
  if (status === 202 || status === 204) calls.ids.push(id);
  else calls.refused.set(status, (calls.refused.get(status) ?? 0) + 1);
}

/** Reads one whole answer, which is the only one on its way. */
function statusOf(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = "";
    const end = () => socket.off("data", onData).off("close", onClose);
    const onClose = () => {
      end();
      reject(new Error(`the connection ended in the middle of an answer: ${text}`));
    };
    const onData = (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (!isWhole(text)) return;
      end();
      resolve(Number(text.slice(9, 12)));
    };
    socket.on("data", onData).on("close", onClose);
  });
}

function isWhole(text: string): boolean {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  if (/^transfer-encoding: chunked/im.test(text.slice(0, head))) return text.endsWith("0\r\n\r\n");
  const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
  return text.length >= head + 4 + length;
}
