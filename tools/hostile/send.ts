import { connect, type Socket } from "node:net";
import type { Random } from "../random.js";
import type { Attempt } from "./attack.js";

/** What came back on the connection of one request. */
export interface Reply {
  /** The status of each answer; empty when none came. */
  statuses: number[];
  /** The answers as they came, as latin-1, of which only the beginning is kept. */
  text: string;
  /** Why the client stopped waiting; null: the connection has ended. */
  failure: "refused" | "no end" | null;
}

const KEPT_CHARACTERS = 2 ** 18;
/** GitHub waits for 10 s; only a hanging server, or a very busy machine, takes so much longer. */
const PATIENCE_MS = 90_000;
/** Whoever leaves gives his bytes the time to arrive. */
const LEAVES_AFTER_MS = 20;

/** Returns an address of this machine; each one has limits and a list of ports of its own (127.0.0.0/8 is all local). */
export const addressOf = (random: Random): string => `127.0.${1 + random.below(4)}.${1 + random.below(250)}`;

export interface Way {
  port: number;
  /** The address that the client seems to have. */
  from: string;
}

export const open = ({ port, from }: Way): Socket =>
  connect({ port, host: "127.0.0.1", localAddress: from, allowHalfOpen: true }).on("error", () => {});

/** Sends a request on a connection of its own. @returns what came back, when the connection has ended */
export function exchange(way: Way, { bytes, ending = "wait" }: Attempt): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = open(way);
    let text = "";
    let failure: Reply["failure"] = null;
    const leave = (why: Reply["failure"]): void => {
      failure ??= why;
      socket.destroy();
    };
    const timer = setTimeout(() => leave("no end"), PATIENCE_MS);
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      if (text.length < KEPT_CHARACTERS) text += piece;
    });
    socket.once("error", (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED" && leave("refused"));
    socket.once("end", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(timer);
      resolve({ statuses: statusesIn(text), text, failure });
    });
    if (ending === "half-close") socket.end(bytes);
    else socket.write(bytes);
    if (ending === "leave") setTimeout(() => leave(null), LEAVES_AFTER_MS);
  });
}

/** An answer begins a line; no page and no document of Lockstep's has such a line. */
export const statusesIn = (text: string): number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
