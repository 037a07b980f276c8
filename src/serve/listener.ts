import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Log } from "../base/log.js";
import { sendRefusal } from "./answer.js";
import { Refusal } from "./refusal.js";
import type { Service } from "./service.js";

export interface ListenerOptions {
  port: number;
  host: string;
  /** Paths of PEM files; null: without TLS. */
  tls: { cert: string; key: string } | null;
  /** How long running answers may take after `close`, in milliseconds. */
  shutdownTimeoutMs: number;
}

export interface Listener {
  port: number;
  /** Takes no more requests, and ends what does not finish in time. */
  close(): Promise<void>;
}

/** More connections than this are closed at once. */
const MAX_CONNECTIONS = 4_096;
/** Readers whose answers are ended have so long to hear of it. */
const LAST_WORD_MS = 500;

/** Opens the port on which mirrors are served. @throws Error when the port or the certificate cannot be used */
export async function openListener(options: ListenerOptions, service: Service, log: Log): Promise<Listener> {
  const { shutdownTimeoutMs } = options;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const answered = answer(service, { request, response, stopping: stopping.signal, log });
    running.add(answered);
    void answered.finally(() => running.delete(answered));
  };
  const server = createFor(options.tls);
  server.maxConnections = MAX_CONNECTIONS;
  // A reader that asks before it sends its body gets the answer about its rights first.
  server.on("request", onRequest).on("checkContinue", onRequest);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timers = [
        setTimeout(() => stopping.abort(new Refusal(503, "Lockstep is stopping", 10)), shutdownTimeoutMs),
        setTimeout(() => server.closeAllConnections(), shutdownTimeoutMs + LAST_WORD_MS),
      ];
      while (running.size > 0) await Promise.all(running);
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}

function createFor(tls: ListenerOptions["tls"]): Server {
  if (tls === null) return createServer();
  return createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
}

const listen = (server: Server, { port, host }: ListenerOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });

interface Answering {
  request: IncomingMessage;
  response: ServerResponse;
  stopping: AbortSignal;
  log: Log;
}

/** Never throws. */
async function answer(service: Service, { request, response, stopping, log }: Answering): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  // Without a listener, an error of the connection would end the process.
  request.on("error", () => {});
  response.on("error", () => {});
  try {
    await service(request, response, AbortSignal.any([gone.signal, stopping]));
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!(error instanceof Refusal))
      log.warn({ event: "serve_failed", err: error }, "a reader of a mirror got no complete answer");
    sendRefusal(
      response,
      error instanceof Refusal ? error : new Refusal(503, "the mirror cannot be read now", 30),
    );
  }
}
