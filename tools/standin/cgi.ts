import { execFileSync, spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { SlowLine } from "./faults.js";
import { type Git, hermeticEnv } from "./git.js";

export interface CgiCall {
  request: IncomingMessage;
  response: ServerResponse;
  /** What is left of the request body, its first bytes given back. */
  body: Readable;
  /** The bare repository, `…/<id>.git`. */
  repository: string;
  /** `/info/refs` or `/git-upload-pack`. */
  service: string;
  query: string;
  /** null: the answer comes as fast as it can. */
  slowLine: SlowLine | null;
  /** The connection is destroyed after so many bytes of the body. */
  truncateAfter: number;
}

const HEAD_END = "\r\n\r\n";

let program: string | undefined;

/** What `git http-backend` runs, without the git before it: one process less for each request. */
function httpBackend(): string {
  program ??= join(
    execFileSync("git", ["--exec-path"], { env: hermeticEnv(), encoding: "utf8" }).trim(),
    "git-http-backend",
  );
  return program;
}

/** git http-backend, streamed both ways: https://git-scm.com/docs/git-http-backend */
export function runHttpBackend(git: Git, call: CgiCall): Promise<void> {
  const { request, response, body } = call;
  const child = spawn(httpBackend(), [], { env: cgiEnv(call) });
  git.track(child);
  body.pipe(child.stdin);
  // The backend may answer without reading all, and the client may leave; both are normal.
  child.stdin.on("error", () => {});
  body.on("error", () => child.kill());
  request.on("aborted", () => child.kill());
  response.on("close", () => child.kill());
  return new Promise((resolve) => {
    let head: Buffer | null = Buffer.alloc(0);
    let left = call.truncateAfter;
    let cut = false;
    let sent: Promise<void> = Promise.resolve();
    const send = (chunk: Buffer): void => {
      if (cut) return;
      if (left < chunk.length) {
        response.write(chunk.subarray(0, left), () => request.socket.destroy());
        cut = true;
        child.kill();
        return;
      }
      left -= chunk.length;
      const { slowLine } = call;
      if (slowLine) {
        sent = sent.then(() => trickle(response, chunk, slowLine));
        return;
      }
      if (chunk.length > 0 && !response.write(chunk)) {
        child.stdout.pause();
        response.once("drain", () => child.stdout.resume());
      }
    };
    child.stdout.on("data", (chunk: Buffer) => {
      if (head === null) return send(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      writeHead(response, head.subarray(0, end).toString("latin1"));
      const rest = head.subarray(end + HEAD_END.length);
      head = null;
      send(rest);
    });
    child.once("error", () => response.destroy());
    child.once("close", async () => {
      await sent;
      if (head !== null && !response.headersSent) response.writeHead(500);
      if (!cut) response.end();
      resolve();
    });
  });
}

async function trickle(response: ServerResponse, chunk: Buffer, { bytes, everyMs }: SlowLine): Promise<void> {
  for (let at = 0; at < chunk.length && !response.destroyed; at += bytes) {
    response.write(chunk.subarray(at, at + bytes));
    await sleep(everyMs);
  }
}

function cgiEnv({ request, repository, service, query }: CgiCall): NodeJS.ProcessEnv {
  const { headers } = request;
  return {
    ...hermeticEnv(),
    GIT_PROJECT_ROOT: dirname(repository),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `${repository.slice(dirname(repository).length)}${service}`,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    REMOTE_USER: "x-access-token",
    REMOTE_ADDR: "127.0.0.1",
    SERVER_PROTOCOL: "HTTP/1.1",
    CONTENT_TYPE: headers["content-type"] ?? "",
    ...(headers["content-length"] ? { CONTENT_LENGTH: headers["content-length"] } : {}),
    HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
    HTTP_GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
  };
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}
