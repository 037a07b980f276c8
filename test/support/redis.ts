import { onTestFinished } from "vitest";
import { openNetworkTo, startRedisIn } from "../../tools/cluster/redis.js";
import { tempDir } from "./temp.js";

export type { RedisServer } from "../../tools/cluster/redis.js";

/** Starts a real redis-server, which ends with the test. */
export const startRedis = () => startRedisIn(tempDir(), onTestFinished);

/** A network between a node and Redis, which can be cut, and can fall silent without a reset. */
export const openNetwork = (target: string) => openNetworkTo(target, onTestFinished);
