import { expect, test } from "vitest";
import { ConfigError } from "../../src/config/load.js";
import { configOf } from "../support/config.js";

const SECRET = "s".repeat(32);
const NODE = {
  NODE_NAME: "node-1",
  NODE_URL: "https://node-1.internal:3000",
  REDIS_URL: "redis://redis:6379",
  CLUSTER_SECRET: SECRET,
};
const of = (env: Record<string, string>) => configOf("/data", env).cluster;

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    of(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
  }
  return [];
}

test("without NODE_NAME Lockstep is alone, also with Redis for Probot", () => {
  expect(of({})).toBe(null);
  expect(of({ REDIS_URL: NODE.REDIS_URL })).toBe(null);
});

test("a node has its settings, and the App's number as the name of its cluster", () => {
  expect(of(NODE)).toEqual({
    name: "1",
    nodeName: "node-1",
    nodeUrl: "https://node-1.internal:3000",
    redisUrl: "redis://redis:6379",
    secret: SECRET,
    weight: 1,
    replicas: 1,
    deadMs: 15_000,
    timeoutMs: 600_000,
    queueMax: 10_000,
  });
  const others = {
    CLUSTER: "production",
    NODE_WEIGHT: "3",
    REPLICAS: "all",
    NODE_DEAD: "30s",
    NODE_TIMEOUT: "1h",
  };
  expect(of({ ...NODE, ...others })).toMatchObject({
    name: "production",
    weight: 3,
    replicas: "all",
    deadMs: 30_000,
    timeoutMs: 3_600_000,
  });
  expect(of({ ...NODE, REPLICAS: "2" })).toMatchObject({ replicas: 2 });
});

test("half of a node's settings is a fault, so that no node works alone by mistake", () => {
  const missing = (env: Record<string, string>) => faultsOf(env).map((fault) => fault.split(" → ")[0]);
  expect(missing({ NODE_NAME: "node-1" })).toEqual([
    "REDIS_URL: is missing",
    "CLUSTER_SECRET: is missing",
    "NODE_URL: is missing",
  ]);
  expect(missing({ CLUSTER_SECRET: SECRET })).toEqual(["NODE_NAME: is missing"]);
  expect(missing({ NODE_URL: NODE.NODE_URL })).toEqual(["NODE_NAME: is missing"]);
});

test("a receiver takes no repository and needs no address", () => {
  const { NODE_URL: _, ...receiver } = NODE;
  expect(of({ ...receiver, ROLE: "receiver", NODE_WEIGHT: "5" })).toMatchObject({ weight: 0, nodeUrl: null });
});

test("nodes talk in the clear on one machine only, or when somebody says so", () => {
  const far = { ...NODE, NODE_URL: "http://10.0.0.5:3000" };
  expect(faultsOf(far)).toEqual([expect.stringMatching(/^NODE_URL: is http, .* → write it as https:/)]);
  expect(of({ ...far, NODE_INSECURE: "yes" })).toMatchObject({ nodeUrl: far.NODE_URL });
  for (const host of ["127.0.0.1:3000", "localhost:3000", "[::1]:3000"])
    expect(of({ ...NODE, NODE_URL: `http://${host}` })).toMatchObject({ nodeUrl: `http://${host}` });
});

test("a node serves git whatever it owns", () => {
  expect(faultsOf({ ...NODE, SERVE_PORT: "8443", SERVE_TLS: "proxy" })).toEqual([]);
});

test("a node is away before the others take it over", () => {
  expect(faultsOf({ ...NODE, NODE_DEAD: "10m" })).toEqual([
    expect.stringMatching(/shorter than NODE_TIMEOUT/),
  ]);
  expect(faultsOf({ ...NODE, NODE_DEAD: "20s", NODE_TIMEOUT: "1m" })).toEqual([]);
});

test("names that Redis or a queue could misread are refused, and secrets are not shown", () => {
  for (const name of ["Node", "a:b", "a b", "a".repeat(41), "node_1"])
    expect(faultsOf({ ...NODE, NODE_NAME: name })).toEqual([expect.stringMatching(/^NODE_NAME: must be/)]);
  const [fault] = faultsOf({ ...NODE, CLUSTER_SECRET: "too short" });
  expect(fault).toMatch(/^CLUSTER_SECRET: must be 16 characters/);
  expect(fault).not.toContain("too short");
});
