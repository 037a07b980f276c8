import { expect, test } from "vitest";
import { OPERATOR } from "../../src/base/access.js";
import { ASK_PATH, createAnswerer, createAsk } from "../../src/cluster/asking.js";
import { createForwarding } from "../../src/cluster/forwarding.js";
import { createSeal } from "../../src/cluster/seal.js";
import { FORWARDED } from "../../src/http/elsewhere.js";
import { listen, serveAll } from "../support/listen.js";

const seal = createSeal({ secret: "the secret of all nodes", cluster: "test" });
const stranger = createSeal({ secret: "another secret", cluster: "test" });
const now = () => Date.now();

async function answering(name = "b") {
  const answers = {
    double: (body: unknown) => Number(body) * 2,
    fails() {
      throw new Error("the disk is full");
    },
  };
  const answer = createAnswerer({ self: name, seal, now }, answers);
  return { name: "b", url: await serveAll(answer) };
}

test("a node of the cluster answers another one", async () => {
  const ask = createAsk({ self: "a", seal, now });
  expect(await ask(await answering(), "double", 21)).toBe(42);
  await expect(ask(await answering(), "fails", null)).rejects.toThrow("the disk is full");
});

test("whoever lacks the secret, asks another node, or asks what was asked long ago, gets no answer", async () => {
  await expect(createAsk({ self: "a", seal: stranger, now })(await answering(), "double", 1)).rejects.toThrow(
    "403",
  );
  await expect(createAsk({ self: "a", seal, now })(await answering("c"), "double", 1)).rejects.toThrow("403");
  const early = () => Date.now() - 3_600_000;
  await expect(createAsk({ self: "a", seal, now: early })(await answering(), "double", 1)).rejects.toThrow(
    "403",
  );
  await expect(createAsk({ self: "a", seal, now })(await answering(), "toString", 1)).rejects.toThrow("403");
});

test("an answer that another node did not sign is no answer", async () => {
  const url = await listen((request, response) => {
    request.resume();
    response.end(request.url === ASK_PATH ? stranger.close("ask", JSON.stringify({ value: 42 })) : "");
  });
  const node = { name: "b", url };
  await expect(createAsk({ self: "a", seal, now })(node, "double", 21)).rejects.toThrow(/not that node/);
});

const REQUEST = { method: "POST", path: "/api/v1/repos/acme/app/refresh?wait=1s", body: Buffer.from("{}") };

/** Has node `a` pass a request to `b`. @returns what arrived there */
async function passed(caller = OPERATOR) {
  let arrived = { method: "", path: "", headers: new Headers(), body: Buffer.alloc(0) };
  const url = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = new Headers(request.headers as Record<string, string>);
    arrived = { method: request.method!, path: request.url!, headers, body: Buffer.concat(chunks) };
    response.writeHead(202, { "content-type": "application/json" }).end('{"queued":true}');
  });
  const node = { url, isAlive: true } as never;
  const { send } = createForwarding({ self: "a", seal, members: { get: () => node }, now });
  const about = { caller, fullName: "acme/app", signal: new AbortController().signal };
  const headers = new Headers({
    authorization: "Bearer secret-of-a-reader",
    "content-type": "application/json",
  });
  const answer = await send("b", { ...REQUEST, headers }, about);
  return { arrived, answer };
}

/** @returns who has sent the request, as node `b` or another one understands it */
function received(request: { method: string; path: string; headers: Headers; body: Buffer }, self = "b") {
  const { forwardedBy } = createForwarding({ self, seal, members: { get: () => null }, now });
  return forwardedBy(request, async () => request.body);
}

test("a request is passed on with who has sent it, and without the token", async () => {
  const { arrived, answer } = await passed();
  expect([answer?.status, await answer?.json()]).toEqual([202, { queued: true }]);
  expect(arrived).toMatchObject({ method: "POST", path: REQUEST.path, body: REQUEST.body });
  expect(arrived.headers.get("authorization")).toBe(null);
  expect(await received(arrived)).toMatchObject({ name: "API_TOKEN", isOperator: true, sees: null });
});

test("a limited caller stays limited, to the one repository of the request", async () => {
  const { arrived } = await passed({
    ...OPERATOR,
    isOperator: false,
    sees: (name) => name.startsWith("acme/"),
  });
  const caller = await received(arrived);
  expect([caller?.sees?.("acme/app"), caller?.sees?.("acme/other")]).toEqual([true, false]);
});

test("what is signed for another node, path or body is worth nothing", async () => {
  const { arrived } = await passed();
  expect(await received(arrived, "c")).toBe(null);
  expect(await received({ ...arrived, path: "/api/v1/repos/acme/other/refresh" })).toBe(null);
  expect(await received({ ...arrived, body: Buffer.from("[]") })).toBe(null);
  expect(await received({ ...arrived, headers: new Headers({ [FORWARDED]: "e30" }) })).toBe(null);
});

test("a node that cannot be reached, or says that it is not the one, is passed over", async () => {
  const about = { caller: OPERATOR, fullName: "acme/app", signal: new AbortController().signal };
  const request = { ...REQUEST, headers: new Headers() };
  for (const status of [0, 421]) {
    const url =
      status === 0
        ? "http://127.0.0.1:1"
        : await listen((_, response) => void response.writeHead(status).end());
    const members = { get: () => ({ url, isAlive: true }) as never };
    expect(await createForwarding({ self: "a", seal, members, now }).send("b", request, about)).toBe(null);
  }
});
