import { once } from "node:events";
import type { Socket } from "node:net";
import type { Random } from "../../random.js";
import type { Crowd } from "../crowd.js";
import { addressOf, open } from "../send.js";
import { HOOK, LIVE, OWNER, type Target } from "../target.js";
import { gathered } from "./client.js";

const EVERY_MS = 1_000;
const PIPELINED = 50;

interface Slow {
  socket: Socket;
  /** What is sent at once. */
  start: Buffer;
  /** What is sent afterwards, a byte at a time. */
  rest: Buffer;
  sent: number;
}

interface Manner {
  start(target: Target): string;
  /** Sent a byte at a time; null: everything is sent at once, and the answers are read a byte at a time. */
  rest: string | null;
}

const HEADERS = `POST ${HOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
const DELIVERY = `${HEADERS}x-github-event: push\r\nx-github-delivery: unsigned-slow\r\nx-hub-signature-256: sha256=0\r\n`;
const MANNERS: Manner[] = [
  { start: () => "", rest: `${DELIVERY}content-length: 2\r\n\r\n{}` },
  { start: () => `${DELIVERY}content-length: 25000000\r\n\r\n`, rest: " ".repeat(5_000) },
  { start: () => `${DELIVERY}transfer-encoding: chunked\r\n\r\n`, rest: "1\r\n \r\n".repeat(1_000) },
  {
    start: () => "POST /sign-in HTTP/1.1\r\nhost: x\r\norigin: http://x\r\ncontent-length: 9000\r\n\r\n",
    rest: "x".repeat(9_000),
  },
  {
    start: ({ token }) =>
      `POST /api/v1/repos/${OWNER}/${LIVE}/allow HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 9000\r\n\r\n`,
    rest: " ".repeat(9_000),
  },
  {
    start: ({ token }) =>
      `GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`.repeat(
        PIPELINED,
      ),
    rest: null,
  },
  {
    start: ({ token }) =>
      `GET /api/v1/events?after=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
    rest: null,
  },
];

export const SLOW_CLIENTS: Crowd = {
  name: "slow-clients",
  size: 500,
  about:
    "clients that send headers, bodies or chunks, or read answers, a byte a second; one that is cut off comes again",
  async gather(target, size, random) {
    const slow = await gathered(target.port, size, async (index) => {
      const client = beginning(target, MANNERS[index % MANNERS.length]!, random);
      await Promise.race([once(client.socket, "connect"), once(client.socket, "close")]);
      return client;
    });
    let again = 0;
    const timer = setInterval(() => {
      for (const [index, client] of slow.entries()) {
        if (client.socket.destroyed) {
          again += 1;
          slow[index] = beginning(target, MANNERS[index % MANNERS.length]!, random);
        } else step(client);
      }
    }, EVERY_MS);
    return {
      describe: () => `${slow.length} clients; cut off, and come again: ${again} times`,
      leave() {
        clearInterval(timer);
        for (const { socket } of slow) socket.destroy();
      },
    };
  },
};

function beginning(target: Target, { start, rest }: Manner, random: Random): Slow {
  const socket = open({ port: target.port, from: addressOf(random) });
  socket.pause();
  socket.once("end", () => socket.destroy());
  const client = { socket, start: Buffer.from(start(target)), rest: Buffer.from(rest ?? ""), sent: 0 };
  if (client.start.length > 0) socket.write(client.start);
  // Whoever sends slowly reads at once, to hear of the end; whoever reads slowly does not.
  if (rest !== null) socket.resume();
  return client;
}

function step(client: Slow): void {
  const { socket, rest, sent } = client;
  if (rest.length === 0) socket.read(1);
  else if (sent < rest.length) socket.write(rest.subarray(sent, sent + 1));
  client.sent += 1;
}
