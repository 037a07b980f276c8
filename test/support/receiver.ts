import { createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { RequestDecision } from "../../src/deliveries/decisions.js";
import type { DeliveryRecord } from "../../src/deliveries/log.js";
import { createReceiver, type ReceiverOptions, type ReceiverPorts } from "../../src/receiver/webhook.js";

export const SECRET = "a secret for tests";
export const PATHS = ["/api/github/webhooks", "/api/v1/webhooks/github"];
export const MIB = 2 ** 20;

export const PUSH = {
  ref: "refs/heads/main",
  before: "1".repeat(40),
  after: "2".repeat(40),
  repository: { id: 7, full_name: "acme/site", pushed_at: 1_700_000_000 },
  installation: { id: 3 },
};

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

type ReceiverHarnessOptions = Partial<Omit<ReceiverOptions, "config" | "ports" | "log">> & {
  config?: Partial<ReceiverOptions["config"]>;
  ports?: Partial<ReceiverPorts>;
};

/**
 * A receiver behind a real HTTP server, in front of a 404 like Probot's, with ports that record their calls.
 */
export async function startReceiver(options: ReceiverHarnessOptions = {}) {
  const accepted: { delivery: DeliveryRecord; decision: RequestDecision }[] = [];
  const ignored: { delivery: DeliveryRecord; reason: string }[] = [];
  const warmed: RequestDecision[] = [];
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const sockets = new Set<Socket>();
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });

  const receive = createReceiver({
    ...options,
    config: {
      webhookSecrets: [SECRET],
      webhookPaths: PATHS,
      repositories: () => true,
      refs: () => true,
      keepsWikis: false,
      trustedProxies: [],
      webhookRate: 100_000,
      webhookBurst: 0,
      ...options.config,
    },
    ports: {
      accept(delivery, decision) {
        const isDone = accepted.some((one) => one.delivery.id === delivery.id);
        if (!isDone) accepted.push({ delivery, decision });
        return isDone ? "done" : "accepted";
      },
      ignore: (delivery, reason) => void ignored.push({ delivery, reason }),
      warm: (decision) => void warmed.push(decision),
      stopping: () => false,
      ...options.ports,
    },
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
  });
  const server = createServer(async (req, res) => {
    if (!(await receive(req, res))) res.writeHead(404).end();
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    ...{ accepted, ignored, warmed, lines, port, sockets },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Harness = Awaited<ReturnType<typeof startReceiver>>;

export const sign = (body: string | Buffer, secret = SECRET): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** Returns the headers of a delivery of this body; undefined removes a header. */
export function headersFor(
  body: string | Buffer,
  changes: Record<string, string | undefined> = {},
): Record<string, string> {
  const headers = {
    "content-type": "application/json",
    "x-github-event": "push",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": sign(body),
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A request whose body the test writes freely; `answer` settles as soon as the answer is complete. */
export function open(
  port: number,
  options: { path?: string; method?: string; headers: Record<string, string> },
) {
  const { path = PATHS[0]!, method = "POST" } = options;
  // GitHub's client keeps connections alive; Node's would ask to close them.
  const headers = { connection: "keep-alive", ...options.headers };
  const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on("response", (response) => void read(response).then(resolve, reject));
    // After an answer the server may reset what is still being sent; the promise is settled by then.
    outgoing.on("error", reject);
  });
  // Tests that abort a request never read its answer.
  answer.catch(() => {});
  return { outgoing, answer };
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  const { promise, resolve } = deferred();
  const length = Number(response.headers["content-length"] ?? Number.NaN);
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length >= length) resolve();
  });
  response.on("end", resolve).on("error", resolve);
  if (length === 0) resolve();
  await promise;
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode!, headers: response.headers, text };
}

function deferred() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Sends a whole body at once, signed unless the options differ. */
export function deliver(
  port: number,
  body: string | Buffer = JSON.stringify(PUSH),
  changes: Record<string, string | undefined> = {},
  path = PATHS[0]!,
): Promise<Answer> {
  const { outgoing, answer } = open(port, { path, headers: headersFor(body, changes) });
  outgoing.end(body);
  return answer;
}
