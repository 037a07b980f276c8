import type { z } from "zod";
import { parseDuration } from "../base/units.js";
import { type Environment, fault, type Name } from "./faults.js";
import { isLoopback } from "./serve.js";
import type { VARIABLES } from "./variables.js";

/** What makes a Lockstep one of several nodes. Times are in milliseconds. */
export interface Cluster {
  /** The name that all nodes of the cluster share. */
  readonly name: string;
  readonly nodeName: string;
  /** Where other nodes reach this one; null: no node passes anything to it. */
  readonly nodeUrl: string | null;
  readonly redisUrl: string;
  readonly secret: string;
  /** The node's share of the repositories, compared with other nodes; 0: it only receives deliveries. */
  readonly weight: number;
  /** How many nodes own each repository. */
  readonly replicas: number | "all";
  /** A node without a beat for this long serves no reads. */
  readonly deadMs: number;
  /** After this long without a beat, other nodes take over a node's share. */
  readonly timeoutMs: number;
  /** How many deliveries wait at most for one node. */
  readonly queueMax: number;
}

type Values = Partial<z.output<typeof VARIABLES>>;

const DEAD = "15s";
const TIMEOUT = "10m";

/** @returns null: this Lockstep is alone */
export function clusterOf(values: Values): Cluster | null {
  const {
    NODE_NAME: nodeName,
    REDIS_URL: redisUrl,
    CLUSTER_SECRET: secret,
    REPLICAS: replicas = "1",
  } = values;
  if (!nodeName || !redisUrl || !secret) return null;
  return {
    name: values.CLUSTER ?? values.APP_ID!,
    nodeName,
    nodeUrl: values.NODE_URL ?? null,
    redisUrl,
    secret,
    weight: values.ROLE === "receiver" ? 0 : (values.NODE_WEIGHT ?? 1),
    replicas: replicas === "all" ? replicas : Number(replicas),
    deadMs: values.NODE_DEAD ?? parseDuration(DEAD)!,
    timeoutMs: values.NODE_TIMEOUT ?? parseDuration(TIMEOUT)!,
    queueMax: values.QUEUE_MAX ?? 10_000,
  };
}

/** A node that lacks half of its settings would work alone, and mirror everything. */
export function clusterFaults(env: Environment): string[] {
  if (!env.NODE_NAME)
    return env.CLUSTER_SECRET || env.NODE_URL ? [fault("NODE_NAME", "is missing", env)] : [];
  const needed: Name[] = [
    "REDIS_URL",
    "CLUSTER_SECRET",
    ...(env.ROLE === "receiver" ? [] : ["NODE_URL" as const]),
  ];
  const faults = needed.filter((name) => !env[name]).map((name) => fault(name, "is missing", env));
  if (isInTheClear(env)) faults.push(fault("NODE_URL", "is http, and other machines use it", env));
  const [dead, timeout] = [parseDuration(env.NODE_DEAD ?? DEAD), parseDuration(env.NODE_TIMEOUT ?? TIMEOUT)];
  if (dead !== null && timeout !== null && dead >= timeout)
    faults.push(fault("NODE_DEAD", "must be shorter than NODE_TIMEOUT", env));
  return faults;
}

/** What nodes ask each other says who reads what, and its answers are private. */
function isInTheClear({ NODE_URL: url = "", NODE_INSECURE }: Environment): boolean {
  if (NODE_INSECURE === "yes" || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname.replace(/^\[|\]$/g, ""));
}
