import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { logRequest } from "../../src/http/request-log.js";
import { listen } from "../support/listen.js";

/** What is logged of one request that is answered with a status, as pino-http does it. */
async function logged(path: string, status: number, headers: Record<string, string> = {}) {
  const lines: [string, object, string][] = [];
  const at = (level: string) => (details: object, message: string) => lines.push([level, details, message]);
  const base = await listen((request, response) => {
    const logger: { info?(): void } = {};
    const withLogger = Object.assign(Object.create(request) as object, { log: logger, id: "id-1" });
    logRequest(withLogger as unknown as IncomingMessage, response, { debug: at("debug"), warn: at("warn") });
    response.writeHead(status).end(() => logger.info?.());
  });
  await fetch(base + path, { headers });
  return lines;
}

it("logs a request in short, at debug, without its headers and its query", async () => {
  const lines = await logged("/api/v1/status?token=secret", 200, { "x-of-a-client": "secret" });
  const details = { event: "request_answered", method: "GET", path: "/api/v1/status", status: 200 };
  expect(lines).toEqual([
    [
      "debug",
      { ...details, requestId: "id-1", from: "127.0.0.1", durationMs: expect.any(Number) },
      "GET /api/v1/status 200",
    ],
  ]);
});

it.each([
  ["/api/v1/repos", 503, "warn"],
  ["/api/v1/repos", 500, "warn"],
  ["/api/v1/repos", 404, "debug"],
  ["/readyz", 503, "debug"],
])("%s that is answered with %i is logged at %s", async (path, status, level) => {
  expect((await logged(path, status)).map(([at]) => at)).toEqual([level]);
});

it("logs a request whose body was given up, when its connection is gone", async () => {
  const lines: object[] = [];
  const closed = new Promise<void>((resolve) => {
    void listen(async (request, response) => {
      const logger: { info?(): void } = {};
      Object.assign(request, { log: logger, id: "id-1" });
      logRequest(request, response, { debug: (details) => void lines.push(details), warn() {} });
      response.once("close", () => {
        logger.info?.();
        resolve();
      });
      for await (const _ of request) break;
      response.writeHead(413).end();
    }).then((base) => fetch(base, { method: "POST", body: "x".repeat(500_000) }).catch(() => {}));
  });
  await closed;
  expect(lines).toMatchObject([{ event: "request_answered", status: 413, from: "127.0.0.1" }]);
});
