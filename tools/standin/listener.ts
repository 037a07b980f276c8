import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";

type Serve = (request: IncomingMessage, response: ServerResponse, connection: number) => void;

/** A server on loopback that can be taken down and brought up again on its port. */
export class Listener {
  /** TCP connections accepted so far. */
  connections = 0;
  readonly #server: Server;
  readonly #numbers = new WeakMap<Socket, number>();
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(serve: Serve, tls?: { key: string | Buffer; cert: string | Buffer }) {
    const handle = (request: IncomingMessage, response: ServerResponse): void =>
      serve(request, response, this.#numbers.get(request.socket) ?? 0);
    // GitHub holds a quiet connection for a minute.
    const options = { keepAliveTimeout: 60_000, requestTimeout: 0 };
    this.#server = tls ? createHttps({ ...options, ...tls }, handle) : createHttp(options, handle);
    this.#server.on("connection", (socket: Socket) => this.#track(socket));
    this.#server.on("secureConnection", (socket: Socket) => this.#count(socket));
    if (!tls) this.#server.on("connection", (socket: Socket) => this.#count(socket));
  }

  get port(): number {
    return this.#port;
  }

  up(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  down(): Promise<void> {
    if (!this.#server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #count(socket: Socket): void {
    this.connections += 1;
    this.#numbers.set(socket, this.connections);
  }
}
