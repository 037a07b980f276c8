import { once } from "node:events";
import { closeSync, openSync, readSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../random.js";
import { addressOf, open } from "../send.js";

/** So many connections are opened at a time. */
const AT_A_TIME = 8;
const LOOK_EVERY_MS = 2;
const BEGINNING_BYTES = 32 * 1_024;

/** One connection that stays open. */
export interface Client {
  socket: Socket;
  /** The status of the first answer; null while none has come. */
  status: number | null;
  /** How many bytes have come. */
  bytes: number;
}

/** Connects, sends a request, and reads whatever comes. */
export async function connected(port: number, random: Random, request: Buffer): Promise<Client> {
  const socket = open({ port, from: addressOf(random) });
  const client: Client = { socket, status: null, bytes: 0 };
  socket.on("data", (data) => {
    client.bytes += data.length;
    client.status ??= Number(data.subarray(9, 12).toString());
  });
  socket.once("end", () => socket.destroy());
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  socket.write(request);
  return client;
}

/**
 * Makes clients, no faster than the server takes them in. Node accepts one connection in each turn of its event loop,
 * so a burst would only show for how many turns the last one waits.
 */
export async function gathered<T>(
  port: number,
  size: number,
  make: (index: number) => Promise<T>,
): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < size; from += AT_A_TIME) {
    while (unaccepted(port) > AT_A_TIME) await sleep(LOOK_EVERY_MS);
    const count = Math.min(AT_A_TIME, size - from);
    all.push(...(await Promise.all(Array.from({ length: count }, (_, n) => make(from + n)))));
  }
  return all;
}

/**
 * Returns how many connections a listening socket has not accepted yet (rx_queue). Listening sockets come first in the
 * file, and the rest may be long: https://docs.kernel.org/networking/proc_net_tcp.html
 */
function unaccepted(port: number): number {
  const file = openSync("/proc/net/tcp", "r");
  const beginning = Buffer.alloc(BEGINNING_BYTES);
  try {
    readSync(file, beginning);
  } finally {
    closeSync(file);
  }
  const number = port.toString(16).toUpperCase().padStart(4, "0");
  const queue = new RegExp(` 0100007F:${number} 00000000:0000 0A \\w{8}:(\\w{8}) `).exec(
    beginning.toString(),
  );
  return Number.parseInt(queue?.[1] ?? "0", 16);
}

/** Says how many clients are still connected, and how many had which answer. */
export function figuresOf(clients: readonly Client[]): string {
  const open = clients.filter(({ socket }) => !socket.destroyed).length;
  const counts = new Map<string, number>();
  for (const { status } of clients) {
    const name = status === null ? "none yet" : String(status);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const answers = [...counts].sort().map(([status, count]) => `${status}: ${count}`);
  return `${clients.length} clients, ${open} still connected; answers ${answers.join(", ")}`;
}

export const leave = (clients: readonly Client[]): void => {
  for (const { socket } of clients) socket.destroy();
};
