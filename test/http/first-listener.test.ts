import { expect, it } from "vitest";
import type { Handler } from "../../src/http/handler.js";
import { mount } from "../../src/http/mount.js";
import { listenUntilClosed } from "../support/listen.js";

const PATH = "/hook";

/** A server as Probot has it: one listener, which logs each request and asks what was mounted before its own pages. */
async function serve(handle: Handler) {
  const seen: string[] = [];
  const lines: { level: string; event: string; status: number; requestId: string; err?: Error }[] = [];
  const log = (level: string) => (details: object) => void lines.push({ level, ...details } as never);
  const sole: Handler = Object.assign<Handler, Pick<Handler, "isSole">>(handle, {
    isSole: ({ method, url }) => method === "POST" && url === PATH,
  });
  const app = { getNodeMiddleware: null as unknown as () => Promise<Handler> };
  const earlier: Handler = async ({ url }) => {
    seen.push(`earlier ${url}`);
    return false;
  };
  mount(app, [earlier, sole], { debug: log("debug"), warn: log("warn") } as never);
  const handler = await app.getNodeMiddleware();
  const { url } = await listenUntilClosed(async (request, response) => {
    seen.push(`Probot ${request.url}`);
    if (!(await handler(request, response))) response.writeHead(404).end();
  });
  // The first request shows the server to what was mounted.
  await fetch(`${url}/first`);
  seen.length = 0;
  const post = (headers: Record<string, string> = {}) =>
    fetch(url + PATH, { method: "POST", body: "{}", headers });
  return { url, seen, lines, post };
}

const answering: Handler = async (request, response) => {
  if (request.method !== "POST") return false;
  response.writeHead(202).end();
  return true;
};

it("hands a request to the one handler that answers it, past Probot and past earlier handlers", async () => {
  const { url, seen, lines, post } = await serve(answering);
  expect((await post({ "x-github-delivery": "d-1" })).status).toBe(202);
  expect(seen).toEqual([]);
  await expect
    .poll(() => lines)
    .toMatchObject([{ level: "debug", event: "request_answered", status: 202, requestId: "d-1" }]);
  expect((await fetch(url + PATH)).status).toBe(404);
  expect((await fetch(`${url}/page`)).status).toBe(404);
  expect(seen).toEqual([`Probot ${PATH}`, `earlier ${PATH}`, "Probot /page", "earlier /page"]);
});

it("answers 500 to what the handler fails at, and logs why", async () => {
  const { lines, post } = await serve(async ({ method }) => {
    if (method === "POST") throw new Error("fault");
    return false;
  });
  expect((await post()).status).toBe(500);
  await expect.poll(() => lines).toMatchObject([{ level: "warn", status: 500, err: { message: "fault" } }]);
});

it("ends an answer that has begun when its handler fails", async () => {
  const { post } = await serve(async ({ method }, response) => {
    if (method !== "POST") return false;
    response.writeHead(200).write("begun");
    throw new Error("fault");
  });
  await expect(post().then((answer) => answer.text())).rejects.toThrow();
});
