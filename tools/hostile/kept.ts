import { once } from "node:events";
import type { Socket } from "node:net";
import { open, type Reply, statusesIn, type Way } from "./send.js";

/** A connection from one address is used so often, as GitHub uses one for many deliveries. */
const USES = 50;
const PATIENCE_MS = 90_000;

/** A connection that goes on after an answer; a new one is opened when it has ended, or was used often enough. */
export class KeptConnection {
  #socket: Socket | undefined;
  #uses = 0;

  /** @param next returns where the next connection goes */
  constructor(private readonly next: () => Way) {}

  /** Sends a request. @returns what came back until the end of one answer, or of the connection */
  async exchange(bytes: Buffer): Promise<Reply> {
    const socket = this.#connection();
    const ended = new AbortController();
    const { signal } = ended;
    let text = "";
    const whole = new Promise<void>((resolve) => {
      socket.on("data", (piece: string) => {
        text += piece;
        if (endOfAnswer(text) !== null) resolve();
      });
    });
    socket.write(bytes);
    const timer = setTimeout(() => ended.abort(), PATIENCE_MS);
    const closed = once(socket, "close", { signal }).catch(() => {});
    await Promise.race([whole, closed]);
    clearTimeout(timer);
    const failure = signal.aborted ? "no end" : null;
    ended.abort();
    socket.removeAllListeners("data");
    if (failure !== null || isLast(text)) socket.destroy();
    return { statuses: statusesIn(text), text, failure };
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connection(): Socket {
    this.#uses += 1;
    if (this.#socket && !this.#socket.destroyed && this.#uses <= USES) return this.#socket;
    this.close();
    const socket = open(this.next());
    socket.setEncoding("latin1").once("end", () => socket.destroy());
    this.#socket = socket;
    this.#uses = 1;
    return socket;
  }
}

/** Whether an answer says that the connection ends after it. */
const isLast = (text: string): boolean => /^connection: *close/im.test(text);

/** Returns the length of the first answer that is not a 100; null while it is incomplete, or ends with the connection. */
export function endOfAnswer(text: string): number | null {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return null;
  const body = head + 4;
  const lines = text.slice(0, head).toLowerCase();
  if (/^http\/1\.1 1\d\d/.test(lines)) {
    const rest = endOfAnswer(text.slice(body));
    return rest === null ? null : body + rest;
  }
  if (/^http\/1\.1 (?:204|304)/.test(lines)) return body;
  if (/^transfer-encoding: *chunked/m.test(lines)) return endOfChunks(text, body);
  const length = /^content-length: *(\d+)/m.exec(lines)?.[1];
  return length !== undefined && text.length >= body + Number(length) ? body + Number(length) : null;
}

function endOfChunks(text: string, from: number): number | null {
  for (let at = from; ; ) {
    const line = text.indexOf("\r\n", at);
    if (line === -1) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (Number.isNaN(size) || text.length < next) return null;
    if (size === 0) return next;
    at = next;
  }
}
