import { Hono } from "hono";
import { expect, test } from "vitest";
import { OPERATOR } from "../../src/base/access.js";
import { setCaller } from "../../src/http/caller.js";
import { answerElsewhere, FORWARDED, findForwarded, type OtherNodes } from "../../src/http/elsewhere.js";

const PATH = "/api/v1/repos/acme/app/refresh";

/** A node that has the repository when a request comes, and no more when it has been answered. */
function nodeThatGivesAway(statusHere: 200 | 404 | 408) {
  const sent: { node: string; body: string }[] = [];
  let isHere = true;
  const nodes: OtherNodes = {
    forwardedBy: async () => OPERATOR,
    nodesFor: () => (isHere ? "here" : ["b", "c"]),
    async send(node, { body }) {
      sent.push({ node, body: Buffer.from(body).toString() });
      return node === "b" ? null : Response.json({ from: node }, { status: 202 });
    },
  };
  const app = new Hono();
  app.use(async (context, next) => {
    setCaller(context, (await findForwarded(context, nodes)) ?? OPERATOR);
    await next();
  });
  app.use(answerElsewhere(nodes));
  app.post(PATH, async (context) => {
    await context.req.arrayBuffer();
    isHere = false;
    return context.json({ from: "here" }, statusHere, { "x-of-here": "yes" });
  });
  const post = (headers: Record<string, string> = {}) =>
    app.request(PATH, { method: "POST", body: "{}", headers });
  return { post, sent };
}

test("a repository that moves away while it is waited for is asked for at its new owner", async () => {
  const { post, sent } = nodeThatGivesAway(404);
  const answer = await post();
  expect([answer.status, await answer.json()]).toEqual([202, { from: "c" }]);
  expect(answer.headers.get("x-of-here")).toBeNull();
  expect(sent).toEqual([
    { node: "b", body: "{}" },
    { node: "c", body: "{}" },
  ]);
});

test("what another node has passed on is given back to it when the repository has moved away", async () => {
  const { post, sent } = nodeThatGivesAway(404);
  expect((await post({ [FORWARDED]: "signed" })).status).toBe(421);
  expect(sent).toEqual([]);
});

test("an answer that is not 'there is no such repository' stands", async () => {
  for (const status of [200, 408] as const) {
    const { post, sent } = nodeThatGivesAway(status);
    expect((await post()).status).toBe(status);
    expect(sent).toEqual([]);
  }
});
