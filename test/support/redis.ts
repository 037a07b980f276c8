import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { tempDir } from "./temp.js";

export interface RedisServer {
  /** What ioredis connects to. */
  url: string;
  client: Redis;
  /** Ends the server as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again on the same address; it is empty. */
  restart(): Promise<void>;
  /** Stops and continues the process, as SIGSTOP and SIGCONT do. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** Starts a real redis-server without a port, which ends with the test. */
export async function startRedis(): Promise<RedisServer> {
  const dir = tempDir();
  const socket = join(dir, "redis.sock");
  let child = await launch(dir, socket);
  const client = new Redis(socket, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on("error", () => {});
  onTestFinished(async () => {
    client.disconnect();
    child.kill("SIGKILL");
  });
  await client.ping();
  return {
    url: socket,
    client,
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    async restart() {
      child = await launch(dir, socket);
      await client.ping();
    },
    signal: (name) => void child.kill(name),
  };
}

async function launch(dir: string, socket: string): Promise<ChildProcess> {
  const args = [
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--dir",
    dir,
    "--save",
    "",
    "--maxmemory-policy",
    "noeviction",
  ];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  const failed = once(child, "error").then(([error]) => {
    throw new Error("redis-server cannot be started. Install it with: npm run test:setup", { cause: error });
  });
  const ready = new Promise<void>((resolve) =>
    child.stdout.on("data", (text: Buffer) => {
      if (text.includes("ready to accept connections")) resolve();
    }),
  );
  await Promise.race([failed, ready]);
  return child;
}

/** A network between a node and Redis, which can be cut, and can fall silent without a reset. */
export async function openNetwork(target: string) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(target);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    end();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${port}`,
    cut() {
      isCut = true;
      end();
    },
    mend() {
      isCut = false;
    },
    /** What is open stays open, and nothing comes through any more. New connections work. */
    silence() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
