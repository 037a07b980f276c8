import { once } from "node:events";
import type { Socket } from "node:net";
import type { Random } from "../../random.js";
import { addressOf, open } from "../send.js";

/** So many connections are opened at a time, which a listening socket's queue holds. */
const AT_A_TIME = 100;

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

/** Makes clients, some at a time. */
export async function gathered<T>(size: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < size; from += AT_A_TIME) {
    const count = Math.min(AT_A_TIME, size - from);
    all.push(...(await Promise.all(Array.from({ length: count }, (_, n) => make(from + n)))));
  }
  return all;
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
