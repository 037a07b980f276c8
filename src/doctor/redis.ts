import { connect } from "../cluster/connection.js";
import { type Finding, fail, ok, warn } from "./finding.js";
import { type ClusterSettings, checkNodes, SKEW_MS } from "./nodes.js";

/** Above this share of its memory Redis is about to refuse what nodes write. */
const FULL = 0.7;

/**
 * Checks Redis's settings, by INFO alone (managed services forbid CONFIG), and then what nodes say of themselves there.
 * @param cluster the settings of this node
 */
export async function checkRedis(cluster: ClusterSettings, now: () => number = Date.now): Promise<Finding[]> {
  let reason = "no answer within 3 s";
  const redis = await connect(cluster.redisUrl, {
    kind: "asking",
    onError({ message }) {
      reason = message;
    },
  });
  try {
    const info = await redis.info();
    const [seconds] = await redis.time();
    return [
      ...judgeInfo(readInfo(info)),
      judgeTime(Number(seconds) * 1_000 - now()),
      ...(await checkNodes(redis, cluster, now)),
    ];
  } catch (error) {
    const detail = reason || (error instanceof Error ? error.message : String(error));
    return [
      fail(
        "REDIS_URL",
        `Redis cannot be used (${detail})`,
        "start Redis, and check REDIS_URL; nodes go on without",
      ),
    ];
  } finally {
    redis.disconnect();
  }
}

/** Reads lines such as `maxmemory_policy:noeviction`. https://redis.io/docs/latest/commands/info/ */
const readInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split("\r\n").flatMap((line): [string, string][] => {
      const [name = "", value] = line.split(":");
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** @param info the fields of INFO */
export function judgeInfo(info: ReadonlyMap<string, string>): Finding[] {
  const found: Finding[] = [];
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction")
    found.push(
      warn(
        "Redis",
        `maxmemory-policy is ${policy}, which drops deliveries that wait`,
        "set maxmemory-policy noeviction",
      ),
    );
  if (info.get("aof_enabled") === "0")
    found.push(
      warn(
        "Redis",
        "appendonly is off: what waits is lost with the process, and found in GitHub's log later",
        "set appendonly yes",
      ),
    );
  const [used, most] = [Number(info.get("used_memory") ?? 0), Number(info.get("maxmemory") ?? 0)];
  if (most > 0 && used / most > FULL)
    found.push(
      warn("Redis", `${Math.round((100 * used) / most)} % of maxmemory are in use`, "raise maxmemory"),
    );
  return found.length > 0 ? found : [ok("Redis", `version ${info.get("redis_version") ?? "unknown"}`)];
}

/** @param aheadMs how far Redis's clock is ahead of this machine's, in milliseconds */
function judgeTime(aheadMs: number): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return Math.abs(aheadMs) > SKEW_MS
    ? warn(
        "Redis's clock",
        `${seconds} s from this machine's`,
        "keep both clocks in sync: nodes refuse old questions",
      )
    : ok("Redis's clock", "as this machine's");
}
