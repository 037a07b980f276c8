import { afterEach, describe, expect, it } from "vitest";
import type { RawDelivery } from "../../src/receiver/delivery.js";
import type { ReceiverPorts } from "../../src/receiver/webhook.js";
import {
  deliver,
  type Harness,
  headersFor,
  open,
  PATHS,
  PUSH,
  SECRET,
  sign,
  startReceiver,
} from "../support/receiver.js";

let harness: Harness;
afterEach(() => harness.close());

const start = async (...options: Parameters<typeof startReceiver>) => {
  harness = await startReceiver(...options);
  return harness;
};
const nothingStored = () => [harness.accepted, harness.ignored, harness.warmed].flat().length === 0;
const body = JSON.stringify(PUSH);

it("records which webhook sent a delivery", async () => {
  const { port, accepted } = await start();
  await deliver(port, body, { "x-github-hook-id": "292430182", "user-agent": "GitHub-Hookshot/044aadd" });
  expect(accepted[0]!.delivery).toMatchObject({ hook: "292430182 - - GitHub-Hookshot/044aadd" });
});

describe.each(PATHS)("at %s", (path) => {
  const send = (text: string | Buffer = body, changes: Record<string, string | undefined> = {}) =>
    deliver(harness.port, text, changes, path);

  it("accepts a verified push: persisted, warmed, 202 with the delivery id", async () => {
    const { port: _, accepted, warmed } = await start({ now: () => 1234 });
    const answer = await send(body, { "x-github-delivery": "guid-1" });
    expect(answer).toMatchObject({ status: 202, text: '{"delivery":"guid-1"}' });
    expect(accepted).toEqual([
      {
        delivery: {
          id: "guid-1",
          event: "push",
          action: null,
          receivedAt: 1234,
          via: "webhook",
          repositoryId: 7,
          installationId: 3,
          repository: "acme/site",
        },
        decision: {
          kind: "request",
          subject: { kind: "repository", id: 7 },
          intent: {
            trigger: "push",
            full: false,
            hints: [{ ref: PUSH.ref, before: PUSH.before, after: PUSH.after, pushedAt: 1_700_000_000 }],
          },
          repositoryId: 7,
          installationId: 3,
          repository: { owner: "acme", name: "site" },
        },
      },
    ]);
    expect(warmed).toEqual([accepted[0]!.decision]);
  });

  it.each([[[]], [[""]]])(
    "without a secret (%j) it does not exist, even for a delivery signed with Probot's own",
    async (secrets) => {
      await start({ config: { webhookSecrets: secrets.filter(Boolean) } });
      const answer = await send(body, { "x-hub-signature-256": sign(body, "development") });
      const unknown = await deliver(harness.port, body, {}, "/unknown");
      const { date: _, ...headers } = answer.headers;
      const { date: __, ...expected } = unknown.headers;
      expect([answer.status, headers, answer.text]).toEqual([404, expected, ""]);
      expect(nothingStored()).toBe(true);
    },
  );

  it.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("knows no %s", async (method) => {
    await start();
    const { outgoing, answer } = open(harness.port, { path, method, headers: {} });
    outgoing.end();
    expect((await answer).status).toBe(404);
  });

  it.each(["x-github-event", "x-github-delivery", "x-hub-signature-256"])("needs %s", async (name) => {
    await start();
    expect((await send(body, { [name]: undefined })).status).toBe(400);
    expect(nothingStored()).toBe(true);
  });

  it.each([
    ["x-github-delivery", "a".repeat(65)],
    ["x-github-delivery", "../../etc"],
    ["x-github-event", 'push","level":"fatal'],
  ])("refuses %s: %s", async (name, value) => {
    await start();
    expect((await send(body, { [name]: value })).status).toBe(400);
    expect(JSON.stringify(harness.lines)).not.toContain(JSON.stringify(value).slice(1, -1));
  });

  it.each(["text/plain", "application/xml", "application/jsonp", undefined])(
    "refuses content type %s",
    async (type) => {
      await start();
      expect((await send(body, { "content-type": type })).status).toBe(415);
      expect(nothingStored()).toBe(true);
    },
  );

  it("accepts JSON with a charset and form-encoded bodies", async () => {
    await start();
    expect((await send(body, { "content-type": "Application/JSON; charset=utf-8" })).status).toBe(202);
    const form = `payload=${encodeURIComponent(body)}`;
    const type = "application/x-www-form-urlencoded";
    expect((await send(form, { "content-type": type })).status).toBe(202);
    expect(harness.accepted[1]!.decision).toEqual(harness.accepted[0]!.decision);
    expect((await send("other=1", { "content-type": type })).status).toBe(400);
  });

  it.each([
    ["of another secret", sign(body, "other")],
    ["of another body", sign(`${body} `)],
    ["in SHA-1 form", "sha1=757107ea0eb2509fc211221cce984b8a37570b6d"],
    ["cut short", sign(body).slice(0, -1)],
    ["empty", "sha256="],
  ])("answers 401 to a signature %s, stores and triggers nothing", async (_, signature) => {
    await start();
    expect((await send(body, { "x-hub-signature-256": signature })).status).toBe(401);
    expect(nothingStored()).toBe(true);
    expect(harness.lines).toMatchObject([{ level: "warn", fields: { reason: "bad_signature" } }]);
  });

  it("answers 401 to an empty body", async () => {
    await start();
    expect((await send("")).status).toBe(401);
  });

  it("accepts the previous secret during a rotation", async () => {
    await start({ config: { webhookSecrets: ["new", SECRET] } });
    expect((await send(body, { "x-hub-signature-256": sign(body, "new") })).status).toBe(202);
    expect((await send(body, { "x-hub-signature-256": sign(body, SECRET) })).status).toBe(202);
    expect((await send(body, { "x-hub-signature-256": sign(body, "older") })).status).toBe(401);
  });

  it("answers 400 to a signed body that is not valid JSON", async () => {
    await start();
    expect((await send("{")).status).toBe(400);
    expect(nothingStored()).toBe(true);
  });

  it("answers 202 to a repeated delivery and requests no second refresh", async () => {
    await start();
    const headers = { "x-github-delivery": "again" };
    expect((await send(body, headers)).status).toBe(202);
    expect((await send(body, headers)).status).toBe(202);
    expect(harness.accepted).toHaveLength(1);
    expect(harness.lines.map(({ fields }) => fields.outcome)).toEqual(["accepted", "done"]);
  });

  it.each([
    ["ping", { zen: "Design for failure." }, "nothing to do for ping", "debug"],
    ["issues", { action: "opened" }, "nothing to do for issues", "debug"],
    ["push", { ref: "refs/heads/main" }, "push does not name a repository", "info"],
    [
      "push",
      { ...PUSH, repository: { id: 9, full_name: "Acme/Secret" } },
      "REPOSITORIES does not include it",
      "info",
    ],
  ])("answers 204 to %s with nothing to do, and logs why", async (event, payload, reason, level) => {
    await start({ config: { repositories: (name) => name.toLowerCase() !== "acme/secret" } });
    const answer = await send(JSON.stringify(payload), { "x-github-event": event });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(harness.ignored).toMatchObject([{ reason }]);
    expect(harness.lines).toMatchObject([
      {
        level,
        fields: { event: "delivery_ignored", reason, githubEvent: event, outcome: "ignored" },
      },
    ]);
    expect(harness.accepted).toEqual([]);
  });

  it("answers 503 when the delivery cannot be stored, with the cause in the log only", async () => {
    const full = () => {
      throw new Error("database or disk is full");
    };
    await start({ ports: { accept: full, ignore: full } });
    for (const event of ["push", "ping"]) {
      const answer = await send(body, { "x-github-event": event });
      expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "5"]);
      expect(answer.text).not.toContain("disk");
    }
    expect(harness.lines[0]).toMatchObject({ level: "error", fields: { reason: "cannot_persist" } });
    expect(String(harness.lines[0]!.fields.err)).toContain("disk is full");
  });

  it("answers 503 while stopping", async () => {
    await start({ ports: { stopping: () => true } });
    const answer = await send();
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "5"]);
    expect(nothingStored()).toBe(true);
  });
});

describe("signatures", () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  it("agree with the example in GitHub's documentation", async () => {
    const { port } = await start({ config: { webhookSecrets: ["It's a Secret to Everybody"] } });
    const good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const right = await deliver(port, "Hello, World!", { "x-hub-signature-256": good });
    const wrong = await deliver(port, "Hello, World!", { "x-hub-signature-256": good.replace(/7$/, "8") });
    // After its signature was accepted, the example fails because it is not valid JSON.
    expect([right.status, wrong.status]).toEqual([400, 401]);
  });

  it("cover the bytes: text that only looks the same after decoding is refused", async () => {
    const { port } = await start();
    const signed = JSON.stringify({ ...PUSH, note: "\ufffd" });
    const forged = Buffer.from(signed, "utf8");
    const at = forged.indexOf(Buffer.from("\ufffd"));
    const bytes = Buffer.concat([forged.subarray(0, at), Buffer.from([0xff]), forged.subarray(at + 3)]);
    const answer = await deliver(port, bytes, { "x-hub-signature-256": sign(signed) });
    expect(bytes.toString("utf8")).toBe(signed);
    expect(answer.status).toBe(401);
    expect((await deliver(port, signed)).status).toBe(202);
  });
});

describe("the rate limit", () => {
  it("answers 429 with Retry-After before any of the body is sent", async () => {
    const { port } = await start({ config: { webhookRate: 1, webhookBurst: 2 } });
    const statuses: number[] = [];
    for (let sent = 0; sent < 20; sent += 1) statuses.push((await deliver(port)).status);
    expect(statuses.slice(0, 3)).toEqual([202, 202, 202]);
    expect(statuses).toContain(429);
    const { outgoing, answer } = open(port, { headers: { ...headersFor(body), "content-length": "100" } });
    outgoing.flushHeaders();
    const refused = await answer;
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    outgoing.destroy();
  });

  it("counts each client behind a trusted proxy separately", async () => {
    const { port } = await start({
      config: { webhookRate: 1, webhookBurst: 0, trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] },
    });
    const from = (address: string) => deliver(port, body, { "x-forwarded-for": address });
    const statuses = [];
    for (let sent = 0; sent < 10; sent += 1) statuses.push((await from("192.0.2.1, 10.0.0.9")).status);
    expect(statuses).toContain(429);
    expect((await from("192.0.2.2")).status).toBe(202);
  });

  it("is not reached by another client's wrong signatures", async () => {
    const { port } = await start({ config: { webhookRate: 200, webhookBurst: 2_000 } });
    const wrong = await Promise.all(
      Array.from({ length: 300 }, () => deliver(port, body, { "x-hub-signature-256": sign(body, "x") })),
    );
    expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([401]));
    expect((await deliver(port)).status).toBe(202);
  });
});

describe("the log", () => {
  it("has one line per outcome, and neither secret nor payload", async () => {
    const { port, lines } = await start();
    const marked = JSON.stringify({ ...PUSH, note: "in the payload" });
    await deliver(port, marked, { "x-github-delivery": "one" });
    await deliver(port, marked, { "x-github-delivery": "two", "x-hub-signature-256": sign(marked, "x") });
    expect(lines).toMatchObject([
      {
        level: "info",
        fields: {
          event: "delivery_stored",
          deliveryId: "one",
          githubEvent: "push",
          repository: "acme/site",
          outcome: "accepted",
        },
      },
      {
        level: "warn",
        fields: {
          event: "delivery_refused",
          deliveryId: "two",
          githubEvent: "push",
          outcome: "refused",
          status: 401,
        },
      },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/in the payload|a secret for tests|sha256=/);
  });
});

describe("what is kept or shown of a signed delivery has a length", () => {
  const long = "x".repeat(2 ** 20);
  const kept = () => JSON.stringify([harness.accepted, harness.ignored, harness.lines]).length;

  it.each([
    ["push", { ...PUSH, action: long }],
    ["push", { ...PUSH, ref: `refs/heads/${long}` }],
    ["push", { ...PUSH, before: long, after: long, forced: long }],
    ["push", { ...PUSH, repository: { ...PUSH.repository, full_name: `${long}/${long}`, pushed_at: long } }],
    ["push", { ...PUSH, repository: { ...PUSH.repository, full_name: "a/".repeat(2 ** 20) } }],
    ["pull_request", { action: long, number: 1, repository: PUSH.repository }],
    ["repository", { action: long, repository: PUSH.repository, installation: { id: long } }],
    ["installation", { action: long, installation: { id: 3, account: { login: long } } }],
    ["issues", { action: long, repository: PUSH.repository }],
  ])("of the event %s, whatever field is long", async (event, payload) => {
    await start();
    const answer = await deliver(harness.port, JSON.stringify(payload), { "x-github-event": event });
    expect([202, 204]).toContain(answer.status);
    expect(kept()).toBeLessThan(5_000);
  });

  it("and a ref that is too long to be GitHub's leads to a full comparison", async () => {
    await start();
    await deliver(harness.port, JSON.stringify({ ...PUSH, ref: `refs/heads/${long}` }));
    expect(harness.accepted).toMatchObject([{ decision: { intent: { full: true, hints: [] } } }]);
  });
});

describe("one node of several", () => {
  it("answers 202 as soon as another node has the delivery, and not before", async () => {
    let confirm: ((outcome: "passed") => void) | undefined;
    const accept = () =>
      new Promise<"passed">((resolve) => {
        confirm = resolve;
      });
    await start({ ports: { accept } });
    let isAnswered = false;
    const answering = deliver(harness.port).finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => confirm).toBeDefined();
    expect(isAnswered).toBe(false);
    confirm?.("passed");
    expect((await answering).status).toBe(202);
    expect(harness.lines).toMatchObject([{ fields: { event: "delivery_passed", outcome: "passed" } }]);
  });

  it("says 421 to another node that passed on what it does not own, and 503 if nobody has it", async () => {
    await start({ ports: { accept: async () => "elsewhere" as const } });
    expect((await deliver(harness.port)).status).toBe(421);
    await harness.close();
    await start({ ports: { accept: () => Promise.reject(new Error("nobody")) } });
    expect((await deliver(harness.port)).status).toBe(503);
  });

  it("knows a delivery that another node passed on, and hands over what GitHub signed", async () => {
    const raws: RawDelivery[] = [];
    const accept: ReceiverPorts["accept"] = (_, __, raw) => {
      raws.push(raw);
      return "accepted";
    };
    await start({ ports: { accept } });
    await deliver(harness.port, body);
    await deliver(harness.port, body, { "x-lockstep-passed-on": "1" });
    expect(raws.map(({ headers }) => headers.isPassedOn)).toEqual([false, true]);
    expect(raws[0]).toMatchObject({
      headers: { signature: sign(body), mediaType: "json" },
      body: Buffer.from(body),
    });
  });
});
