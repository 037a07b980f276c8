import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "./faults.js";
import { GitHttp } from "./git-http.js";
import type { LfsServer } from "./lfs.js";
import { exceededMessage, type Limits } from "./limits.js";
import type { Manifests } from "./manifest.js";
import type { Rest } from "./rest.js";
import type { Answer, Call, GitRequest } from "./types.js";

interface Listeners {
  call(call: Call): void;
  gitStart(request: GitRequest): void;
  git(request: GitRequest): void;
}

/** How often a hung request looks whether it may go on. */
const HANG_CHECK_MS = 20;
const ABOUT_LIMITS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

/** One request of either kind: routed, answered and reported to the listeners. */
export class Front {
  constructor(
    private readonly rest: Rest,
    private readonly gitHttp: GitHttp,
    private readonly lfs: LfsServer,
    private readonly manifests: Manifests,
    private readonly faults: Faults,
    private readonly limits: Limits,
    private readonly listeners: Listeners,
  ) {}

  async serve(request: IncomingMessage, response: ServerResponse, connection: number, protocol: string) {
    const host = request.headers.host ?? "127.0.0.1";
    const url = new URL(request.url ?? "/", `${protocol}://${host}`);
    response.setHeader("x-github-request-id", newRequestId());
    const { clock } = this.faults;
    if (clock) response.setHeader("date", new Date(clock()).toUTCString());
    if (GitHttp.handles(url.pathname)) return this.#serveGit(request, response, connection, url);
    if (await this.lfs.answer(request, response, url)) return;
    return this.#serveRest(request, response, url);
  }

  async #serveGit(request: IncomingMessage, response: ServerResponse, connection: number, url: URL) {
    const method = request.method ?? "";
    const path = `${url.pathname}${url.search}`;
    const record: GitRequest = { method, path, status: 0, protocol: "other", connection };
    this.listeners.gitStart(record);
    response.once("close", () => {
      if (response.headersSent) record.status = response.statusCode;
      this.listeners.git(record);
    });
    await this.gitHttp.answer(request, response, url, (protocol) => {
      record.protocol = protocol;
    });
  }

  async #serveRest(request: IncomingMessage, response: ServerResponse, url: URL) {
    const body = await textOf(request);
    const page = this.manifests.page(request.method ?? "", url, body);
    if (page) {
      const location = page.location ? { location: page.location } : {};
      response.writeHead(page.status, { "content-type": "text/html; charset=utf-8", ...location });
      return void response.end(page.html ?? "");
    }
    const requestId = String(response.getHeader("x-github-request-id"));
    while (this.faults.hangRest && !response.destroyed) await sleep(HANG_CHECK_MS);
    const { headers, ...answer } = this.#limited(request, url, body, requestId);
    const text = textOfBody(answer.body);
    const breaksAfter = this.faults.takeBreak();
    if (breaksAfter === 0) return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...headers });
    if (breaksAfter === null) response.end(text);
    else response.write(text.slice(0, breaksAfter), () => request.socket.destroy());
    this.listeners.call({
      method: request.method ?? "",
      path: `${url.pathname}${url.search}`,
      status: answer.status,
    });
  }

  #limited(request: IncomingMessage, url: URL, body: string, requestId: string): Answer {
    const caller = this.rest.callerOf(request);
    const { headers, exceeded } = this.limits.take(caller);
    const fault = this.faults.takeRest(url.pathname);
    const answer: Answer = fault
      ? fault.html === undefined
        ? refusal(fault.status, fault.message ? `${fault.message} ${requestId}.` : "Unavailable")
        : { status: fault.status, body: fault.html }
      : exceeded
        ? refusal(403, exceededMessage(caller))
        : this.rest.answer(request, url, body, caller);
    const page: Record<string, string> =
      fault?.html === undefined ? {} : { "content-type": "text/html; charset=utf-8" };
    return { ...answer, headers: { ...headers, ...answer.headers, ...page, ...fault?.headers } };
  }
}

/** A text is a page of HTML, and is sent as it is. */
function textOfBody(body: unknown): string {
  if (body === undefined) return "";
  return typeof body === "string" ? body : JSON.stringify(body);
}

const newRequestId = (): string => randomUUID().slice(0, 18).toUpperCase();

const refusal = (status: number, message: string): Answer => ({
  status,
  body: { message, documentation_url: ABOUT_LIMITS, status: String(status) },
});

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
