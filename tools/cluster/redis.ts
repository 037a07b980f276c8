import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";

/** Has what was started end with the test or the tool. */
export type OnEnd = (release: () => void | Promise<void>) => void;

export interface RedisServer {
  /** What ioredis connects to: the path of a socket. */
  url: string;
  client: Redis;
  /** Ends the server as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again on the same address; it is empty. */
  restart(): Promise<void>;
  /** Stops and continues the process, as SIGSTOP and SIGCONT do. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** Starts a real redis-server without a port. @param dir takes its files */
export async function startRedisIn(dir: string, onEnd: OnEnd): Promise<RedisServer> {
  const socket = join(dir, "redis.sock");
  let child = await launch(dir, socket);
  const client = new Redis(socket, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on("error", () => {});
  onEnd(() => {
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
  const settings = ["--dir", dir, "--save", "", "--maxmemory-policy", "noeviction"];
  const args = ["--port", "0", "--unixsocket", socket, ...settings];
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

/** A network between a node and Redis. */
export interface Network {
  /** What the node connects to. */
  url: string;
  /** Ends all connections, and takes no new ones until `mend`. */
  cut(): void;
  mend(): void;
  /** What is open stays open, and nothing comes through any more. New connections work. */
  silence(): void;
}

/** @param target the path of Redis's socket */
export async function openNetworkTo(target: string, onEnd: OnEnd): Promise<Network> {
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
  onEnd(() => {
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
    silence() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
