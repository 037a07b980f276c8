import { connect } from "node:net";
import { expect, it } from "vitest";
import { createApi } from "../../src/http/api.js";
import type { Handler } from "../../src/http/handler.js";
import { createHealth } from "../../src/http/health.js";
import { createMetricsRoute } from "../../src/http/metrics.js";
import { mount } from "../../src/http/mount.js";
import { createPage } from "../../src/http/page/routes.js";
import { createReceiver } from "../../src/receiver/webhook.js";
import { apiPorts, bearersOf, TOKEN } from "../support/api.js";
import { afterThis, listen } from "../support/listen.js";

const HOOK = "/api/github/webhooks";
const PATHS = [
  HOOK,
  "/healthz",
  "/freshz",
  "/metrics",
  "/api/v1/repos",
  "/",
  "/sign-in",
  "/repos/%ff/%",
  "*",
];
const BODIES: [framing: string[], body: string][] = [
  [[], ""],
  [["content-length: 2"], "{}"],
  [["content-length: 5"], "--x\r\n"],
  [["content-length: 100"], "cut off"],
  [["content-length: 99999999999999999999"], "x"],
  [["transfer-encoding: chunked"], "2\r\n{}\r\n0\r\nx: y\r\n\r\n"],
  [["transfer-encoding: chunked"], "2\r\n{"],
  [["transfer-encoding: chunked"], "zz\r\n"],
  [["transfer-encoding: gzip, chunked"], "0\r\n\r\n"],
  [["transfer-encoding: chunked", "content-length: 2"], "0\r\n\r\n"],
];
const CUT_OFF = ["cut off", "2\r\n{"];
const HEADERS = [
  "x-odd: none",
  "host: ",
  "host: [::1",
  "host: xn--",
  "host: x/y",
  "host: x:99999",
  "x-hub-signature-256:",
  "x-hub-signature-256: \xff",
  "content-type: constructor",
  "content-type: multipart/form-data",
  "content-type: multipart/form-data; boundary=x",
  "content-encoding: gzip",
  "cookie: lockstep=%E0%A4%A; lockstep=x.y.z",
  "cookie: __proto__=x",
  "origin: http://[",
  "authorization: Bearer \xff",
  "x-forwarded-for: ::ffff:0:1.2.3.4, [1::2, ::1%eth0, 1::2.3.4.5, ,\xff",
  "expect: x",
  "upgrade: websocket",
  "range: bytes=9-1",
  "last-event-id: x",
  "__proto__: x",
  "x-github-event: __proto__",
];

/** Everything that an outsider can reach, behind a server like Probot's. */
async function startAll() {
  const errors: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (_: object, message: string) => void errors.push(message),
  };
  const ports = apiPorts();
  const trustedProxies = ["127.0.0.0/8"];
  const bearers = bearersOf();
  const fresh = { state: "fresh", mirrors: { managed: 1, cloned: 1 }, oldestMs: null } as const;
  const app = { getNodeMiddleware: null as unknown };
  mount(app, [
    createReceiver({
      config: {
        webhookSecrets: ["secret"],
        webhookPaths: [HOOK],
        repositories: () => true,
        refs: () => true,
        keepsWikis: false,
        trustedProxies,
        webhookRate: 100_000,
        webhookBurst: 0,
      },
      ports: { accept: () => "accepted", ignore() {}, warm() {}, stopping: () => false },
      log,
    }),
    createMetricsRoute({ bearers, scrape: async () => ({ body: "", type: "text/plain" }) }),
    createHealth({
      bearers,
      ports: {
        ready: () => ({ ok: true }),
        fresh: () => ({ ...fresh, repositories: [], problems: [] }),
      },
    }),
    createApi({ bearers, ports, log }),
    createPage({ apiToken: TOKEN, publicUrl: null, trustedProxies, ports, log }),
  ]);
  const handler = await (app.getNodeMiddleware as () => Promise<Handler>)();
  const base = await listen((req, res) => {
    handler(req, res).then(
      (isAnswered) => void (isAnswered || res.writeHead(404).end()),
      (error: unknown) => {
        errors.push(`thrown: ${error}`);
        res.writeHead(500).end();
      },
    );
  });
  return { port: Number(new URL(base).port), errors };
}

/** Sends a request and, when its body is cut off, the end. @returns the status of the answer; empty: none came */
function send(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    afterThis(() => socket.destroy());
    let got = "";
    socket.on("data", (data) => {
      got += data;
    });
    socket.on("error", () => {}).on("end", () => socket.destroy());
    socket.on("close", () => resolve(/^HTTP\/1\.\d (\d+)/.exec(got)?.[1] ?? got));
    // Node answers nobody who has closed his side of the connection.
    if (CUT_OFF.some((body) => text.endsWith(body))) socket.end(text, "latin1");
    else socket.write(text, "latin1");
  });
}

function requestOf(start: string, odd: string, framing: string[], body: string): string {
  const name = odd.slice(0, odd.indexOf(":"));
  const usual = [
    "host: x",
    "origin: http://x",
    "x-github-event: push",
    "x-github-delivery: a",
    "x-hub-signature-256: sha256=0",
    "content-type: application/json",
  ].filter((header) => !header.startsWith(`${name}:`));
  return `${start} HTTP/1.1\r\n${[...usual, odd, ...framing, "connection: close"].join("\r\n")}\r\n\r\n${body}`;
}

it("an empty signature is answered 400, like none", async () => {
  const { port, errors } = await startAll();
  const request = requestOf(`POST ${HOOK}`, "x-hub-signature-256:", ["content-length: 2"], "{}");
  expect([await send(port, request), errors]).toEqual(["400", []]);
});

it("no header and no framing of an unsigned request leads to a 5xx, a throw or an error in the log", async () => {
  const { port, errors } = await startAll();
  const failed: string[] = [];
  for (const path of PATHS)
    for (const odd of HEADERS) {
      const requests = [
        ...["GET", "TRACE", "OPTIONS"].map((method) => requestOf(`${method} ${path}`, odd, [], "")),
        ...BODIES.map(([framing, body]) => requestOf(`POST ${path}`, odd, framing, body)),
      ];
      const statuses = await Promise.all(requests.map((request) => send(port, request)));
      failed.push(...requests.filter((_, at) => statuses[at]!.startsWith("5")));
    }
  expect(failed).toEqual([]);
  expect(errors).toEqual([]);
});

it("a form without an announced length is read, and refused when it is too long", async () => {
  const { port } = await startAll();
  const chunked = (fields: string) =>
    requestOf(
      "POST /sign-in",
      "content-type: application/x-www-form-urlencoded",
      ["transfer-encoding: chunked"],
      `${fields.length.toString(16)}\r\n${fields}\r\n0\r\n\r\n`,
    );
  expect(await send(port, chunked(`token=${TOKEN}`))).toBe("303");
  expect(await send(port, chunked("token=wrong"))).toBe("401");
  expect(await send(port, chunked(`token=${"x".repeat(20_000)}`))).toBe("413");
});
