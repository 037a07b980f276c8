import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Faults } from "./faults.js";
import { GitHttp } from "./git-http.js";
import type { Answer, Rest } from "./rest.js";
import type { Call, GitRequest } from "./types.js";

interface Told {
  call(call: Call): void;
  gitStart(request: GitRequest): void;
  git(request: GitRequest): void;
}

const RATE_LIMIT = 5000;

/** One request of either kind: routed, answered, told. */
export class Front {
  #used = 0;

  constructor(
    private readonly rest: Rest,
    private readonly gitHttp: GitHttp,
    private readonly faults: Faults,
    private readonly told: Told,
  ) {}

  async serve(request: IncomingMessage, response: ServerResponse, connection: number, protocol: string) {
    const host = request.headers.host ?? "127.0.0.1";
    const url = new URL(request.url ?? "/", `${protocol}://${host}`);
    response.setHeader("x-github-request-id", randomUUID().slice(0, 18).toUpperCase());
    if (GitHttp.handles(url.pathname)) return this.#serveGit(request, response, connection, url);
    return this.#serveRest(request, response, url);
  }

  async #serveGit(request: IncomingMessage, response: ServerResponse, connection: number, url: URL) {
    const method = request.method ?? "";
    const path = `${url.pathname}${url.search}`;
    const record: GitRequest = { method, path, status: 0, protocol: "other", connection };
    this.told.gitStart(record);
    response.once("close", () => {
      if (response.headersSent) record.status = response.statusCode;
      this.told.git(record);
    });
    await this.gitHttp.answer(request, response, url, (protocol) => {
      record.protocol = protocol;
    });
  }

  async #serveRest(request: IncomingMessage, response: ServerResponse, url: URL) {
    const body = await textOf(request);
    const fault = Faults.take(this.faults.restStatus, url.pathname);
    const answer: Answer = fault
      ? { ...fault, body: { message: "Unavailable" } }
      : this.rest.answer(request, url, body);
    this.#used += 1;
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      "x-ratelimit-limit": RATE_LIMIT,
      "x-ratelimit-remaining": Math.max(0, RATE_LIMIT - this.#used),
      "x-ratelimit-reset": Math.floor(Date.now() / 1000) + 3600,
      "x-ratelimit-resource": "core",
      ...answer.headers,
    });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    this.told.call({
      method: request.method ?? "",
      path: `${url.pathname}${url.search}`,
      status: answer.status,
    });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
