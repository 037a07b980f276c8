import { expect, test } from "vitest";
import { checkRedis, judgeInfo } from "../../src/doctor/redis.js";
import { startRedis } from "../support/redis.js";

const settingsOf = (redisUrl: string) =>
  ({
    name: "doctor",
    secret: "a-secret-of-all-nodes-in-tests",
    redisUrl,
    replicas: 1,
    nodeName: "a",
  }) as const;
const judged = (info: Record<string, string>) => judgeInfo(new Map(Object.entries(info)));

test("a Redis that keeps what it is given is fine", () => {
  expect(judged({ redis_version: "7.0.15", maxmemory_policy: "noeviction", aof_enabled: "1" })).toEqual([
    { about: "Redis", level: "ok", detail: "version 7.0.15" },
  ]);
});

test("a Redis that drops, forgets or is about to be full is named, with what to set", () => {
  const found = judged({
    maxmemory_policy: "allkeys-lru",
    aof_enabled: "0",
    used_memory: "80",
    maxmemory: "100",
  });
  expect(found.map(({ level, remedy }) => [level, remedy])).toEqual([
    ["warn", "set maxmemory-policy noeviction"],
    ["warn", "set appendonly yes"],
    ["warn", "raise maxmemory"],
  ]);
});

test("a real Redis is asked, and one that is away is a failure with a remedy", async () => {
  const redis = await startRedis();
  expect(await checkRedis(settingsOf(redis.url))).toEqual([
    expect.objectContaining({ level: "warn", remedy: "set appendonly yes" }),
    expect.objectContaining({ about: "Redis's clock", level: "ok" }),
    expect.objectContaining({ about: "nodes", level: "ok" }),
  ]);
  expect(await checkRedis(settingsOf(redis.url), () => 0)).toContainEqual(
    expect.objectContaining({ about: "Redis's clock", level: "warn" }),
  );
  await redis.kill();
  expect(await checkRedis(settingsOf(redis.url))).toEqual([
    expect.objectContaining({ about: "REDIS_URL", level: "fail" }),
  ]);
});
