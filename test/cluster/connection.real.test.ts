import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/cluster/connection.js";
import { createSender } from "../../src/cluster/handover/sender.js";
import { createSeal } from "../../src/cluster/seal.js";
import { createSharedReads } from "../../src/cluster/shared-reads.js";
import { type RedisServer, startRedis } from "../support/redis.js";

const PREFIX = "lockstep:test";
const seal = createSeal({ secret: "the secret of all nodes", cluster: "test" });

async function asking({ url }: RedisServer) {
  const redis = await connect(url, { kind: "asking", onError() {} });
  onTestFinished(() => redis.disconnect());
  return redis;
}

const handed = (id: string) => ({
  hops: 0,
  delivery: { id, event: "push", action: null, via: "webhook" as const, receivedAt: 0, repositoryId: 1 },
  decision: {
    kind: "request" as const,
    subject: { kind: "repository" as const, id: 1 },
    intent: { trigger: "push" as const, hints: [], full: true },
  },
});

/** An unhandled rejection would end a node, as it ends this test. */
test("a command that Redis does not answer in time, and whose answer nobody waits for, ends nothing", async () => {
  const server = await startRedis();
  const redis = await asking(server);
  server.signal("SIGSTOP");
  const unheard = redis.del("nobody-waits");
  await expect(redis.get("somebody-waits")).rejects.toThrow("timed out");
  server.signal("SIGCONT");
  await expect(unheard).rejects.toThrow("timed out");
});

test("a Redis that hangs while a list is read from GitHub ends nothing but the sharing", async () => {
  const server = await startRedis();
  const redis = await asking(server);
  const reads = createSharedReads({
    ...{ redis, prefix: PREFIX, seal, clock: () => performance.now(), since: Number.NEGATIVE_INFINITY },
  });
  const del = redis.del.bind(redis);
  let hang = () => {};
  const hanging = new Promise<void>((resolve) => {
    hang = resolve;
  });
  // A spy of vitest's would hear of the failure.
  redis.del = ((key: string) => {
    server.signal("SIGSTOP");
    hang();
    return del(key);
  }) as typeof redis.del;
  async function* read() {
    // The first command of the sharing gets no answer.
    await hanging;
    await expect(redis.get("another")).rejects.toThrow("timed out");
    await new Promise(setImmediate);
    yield "one";
    server.signal("SIGCONT");
    yield "two";
  }
  const values: string[] = [];
  for await (const { value } of reads.pages("list:1", read, { maxAgeMs: 60_000 })) values.push(value);
  expect(values).toEqual(["one", "two"]);
});

test("a queue whose first command came while Redis hung is opened anew", async () => {
  const server = await startRedis();
  const redis = await asking(server);
  const sender = await createSender({ redis, prefix: PREFIX, seal, format: () => 1, queueMax: 100 });
  onTestFinished(() => sender.close());
  const listeners = redis.listenerCount("close");
  server.signal("SIGSTOP");
  for (const id of ["guid-1", "guid-2", "guid-3"]) {
    await expect(sender.send("b", handed(id))).rejects.toThrow();
    // The command that BullMQ asks first fails, too, when its time is over.
    await expect(redis.get("another")).rejects.toThrow("timed out");
    expect(redis.listenerCount("close")).toBe(listeners);
  }
  server.signal("SIGCONT");
  await expect.poll(() => sender.send("b", handed("guid-4")).catch(String)).toBe("sent");
});
