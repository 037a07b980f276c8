import { Hono } from "hono";
import { expect, test } from "vitest";
import { limitBody } from "../../src/http/body-limit.js";

const app = new Hono()
  .use(limitBody({ maxBytes: 4, onTooLarge: (context) => context.text("too large", 413) }))
  .get("/", (context) => context.text("page"))
  .post("/", async (context) => context.text(await context.req.text()));

const send = (body: string) => app.request("/", { method: "POST", body });

test("a body up to the limit reaches the handler, a longer one does not", async () => {
  expect(await (await send("four")).text()).toBe("four");
  expect((await send("fives")).status).toBe(413);
});

test("a request for a page never touches its body, for which the adapter would build a whole Request", async () => {
  const request = new Request("http://localhost/");
  Object.defineProperty(request, "body", { get: () => expect.unreachable("the body was touched") });
  expect(await (await app.fetch(request)).text()).toBe("page");
});

test("a page that is asked for with a long body is refused", async () => {
  const answer = await app.request("/", { headers: { "content-length": "5" } });
  expect(answer.status).toBe(413);
});
