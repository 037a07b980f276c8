import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { HELLO_BYTES, readHello, TOKEN_CHARACTERS } from "./frames.js";

/** stdin, stdout and stderr of one git, at Lockstep's end. */
export interface Pipes {
  set: number;
  streams: [stdin: Socket, stdout: Socket, stderr: Socket];
}

/** Connected pipes that wait for their git. */
export interface PipePool {
  /** The path of the socket that the starter connects to. */
  readonly path: string;
  /** What a connection must say first, since other programs of this user can reach the socket. */
  readonly token: string;
  /** Hands over the next pipes, at once when some are ready. */
  take(use: (pipes: Pipes) => void): void;
  /** Closes what waits, and removes the socket. */
  close(): void;
}

/** A path of a Unix socket has at most 107 bytes: unix(7). */
const MAX_PATH_BYTES = 100;
/** How long a connection may take to say what it is, in milliseconds. */
const HELLO_MS = 10_000;

interface Needs {
  /** Tells of the first pipes that are ready. */
  onReady(): void;
  /** Tells of pipes that closed before a git had them. */
  onLost(set: number): void;
}

/**
 * @param parent where a directory for the socket is made
 * @throws Error when no socket can be made there
 */
export async function openPipePool(parent: string, { onReady, onLost }: Needs): Promise<PipePool> {
  // mkdtemp(3): mode 0700.
  const dir = mkdtempSync(join(parent, "lockstep-git-"));
  const path = join(dir, "s");
  const token = randomBytes(TOKEN_CHARACTERS / 2).toString("hex");
  const unready = new Map<number, (Socket | undefined)[]>();
  const ready: Pipes[] = [];
  const waiting: ((pipes: Pipes) => void)[] = [];
  let isFirst = true;
  let isOpen = true;

  function lose(set: number): void {
    const index = ready.findIndex((pipes) => pipes.set === set);
    const streams = index < 0 ? unready.get(set) : ready.splice(index, 1)[0]!.streams;
    unready.delete(set);
    for (const socket of streams ?? []) socket?.destroy();
    if (streams && isOpen) onLost(set);
  }

  function add(socket: Socket, set: number, stream: number): void {
    const streams = unready.get(set) ?? [];
    if (!isOpen || stream > 2 || streams[stream]) return void socket.destroy();
    streams[stream] = socket;
    unready.set(set, streams);
    socket.once("close", () => lose(set));
    if (!streams[0] || !streams[1] || !streams[2]) return;
    unready.delete(set);
    const pipes: Pipes = { set, streams: [streams[0], streams[1], streams[2]] };
    const next = waiting.shift();
    if (next) next(pipes);
    else ready.push(pipes);
    if (isFirst) onReady();
    isFirst = false;
  }

  const server = createServer({ allowHalfOpen: true }, (socket) => greet(socket, token, add));
  try {
    await listen(server, path);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return {
    path,
    token,
    take(use) {
      const pipes = ready.shift();
      if (pipes) use(pipes);
      else waiting.push(use);
    },
    close() {
      isOpen = false;
      server.close();
      for (const set of [...unready.keys(), ...ready.map((pipes) => pipes.set)]) lose(set);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`${path} is too long for a Unix socket`);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      // accept(2) fails while there are no descriptors, and works again later.
      server.on("error", () => {});
      resolve();
    });
  });
}

/** Reads what a new connection is, and nothing beyond. */
function greet(
  socket: Socket,
  token: string,
  add: (socket: Socket, set: number, stream: number) => void,
): void {
  socket.on("error", () => {});
  socket.setTimeout(HELLO_MS, () => socket.destroy());
  // A `data` listener would leave the stream paused, and a reader that comes later would get nothing.
  const read = () => {
    const bytes: Buffer | null = socket.read(HELLO_BYTES);
    if (bytes === null) return;
    socket.off("readable", read);
    socket.setTimeout(0);
    const hello = bytes.length === HELLO_BYTES ? readHello(bytes) : null;
    if (!hello || !timingSafeEqual(hello.token, Buffer.from(token))) return void socket.destroy();
    add(socket, hello.set, hello.stream!);
  };
  socket.on("readable", read);
}
