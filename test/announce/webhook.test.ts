import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createPostAgent } from "../../src/announce/post.js";
import { createWebhook } from "../../src/announce/webhook.js";
import type { Announcement } from "../../src/base/model.js";
import { scriptedHost } from "../support/upstream.js";

const MIB = Buffer.alloc(2 ** 20, "x");
const SECRET = `whsec_${Buffer.alloc(32, "k").toString("base64")}`;
const EVENT = { id: 1, type: "refreshed" } as unknown as Announcement;

/** Answers with a status, and then without end. */
const flood = (status: number) => (_: unknown, res: ServerResponse) => {
  res.writeHead(status);
  const more = () => {
    while (!res.destroyed && res.write(MIB));
  };
  res.on("drain", more).on("error", () => {});
  more();
};

test("a consumer's answer without end is not read on, whatever its status", async () => {
  const agent = createPostAgent();
  onTestFinished(() => agent.destroy());
  const host = await scriptedHost(flood(200), flood(500));
  const consumer = createWebhook(`${host.origin}/hook`, { secret: SECRET, origin: "o", agent });
  const { signal } = new AbortController();
  await expect(consumer.deliver(EVENT, 0, signal)).resolves.toBeUndefined();
  await expect(consumer.deliver(EVENT, 0, signal)).rejects.toThrow("it answered 500");
});
