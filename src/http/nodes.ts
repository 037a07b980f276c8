import type { Context } from "hono";
import { z } from "zod";
import { conflict, notFound } from "./lookup.js";
import type { Route, Routes } from "./routes.js";

/**
 * - alive: it gives signs of life.
 * - leaving: it is about to stop, and keeps its share.
 * - silent: no sign of life for NODE_DEAD; it answers no reads, and keeps its share.
 * - away: no sign of life for NODE_TIMEOUT; the others have its share.
 */
export const NODE_STATES = ["alive", "leaving", "silent", "away"] as const;

const Node = z
  .object({
    name: z.string(),
    state: z.enum(NODE_STATES),
    url: z.string().nullable(),
    weight: z.number().meta({ description: "its share compared with other nodes; 0: it owns nothing" }),
    version: z.string().nullable().meta({ description: "of its program; null: it has not said so yet" }),
    isSelf: z.boolean().meta({ description: "whether this node answers the call" }),
    isDrained: z.boolean().meta({ description: "whether an operator had it give its share away" }),
    owned: z.number().int().meta({ description: "repositories that it owns, by this node's view" }),
    kept: z.number().int().nullable().meta({
      description:
        "repositories that it keeps until their owners have them; null: it does not answer, or does not know yet",
    }),
    backlog: z.number().int().nullable().meta({
      description: "requests in its queue; null: it does not answer",
    }),
  })
  .meta({ id: "Node" });
export type NodeView = z.infer<typeof Node>;

const Cluster = z.object({
  nodes: z.array(Node),
  replicas: z.union([z.number().int(), z.literal("all")]),
  redis: z.object({ reachable: z.boolean(), reason: z.string().nullable() }),
});
export type ClusterView = z.infer<typeof Cluster>;

/** Why nothing was done. */
export type NodeRefusal = "unknown" | "too few" | "alive" | "no answer";

/** What metrics say of a cluster. */
export interface ClusterFigures {
  nodes: Record<NodeView["state"], number>;
  isRedisReachable: boolean;
  /** Repositories that this node keeps until their owners have them; null: it does not know yet. */
  kept: number | null;
  /** How many messages were dropped since the start because no node of the cluster has signed them. */
  forged: number;
}

export interface NodePorts {
  list(): Promise<ClusterView>;
  figures(): ClusterFigures;
  /** Has a node give its share away, or take one again. */
  drain(name: string, options: { isDrained: boolean; isForced: boolean }): Promise<NodeRefusal | null>;
  /** Removes a node for good. @returns the nodes that have not heard of it yet, or why nothing was done */
  remove(name: string, options: { isForced: boolean }): Promise<string[] | NodeRefusal>;
  /** Lets the removed nodes of a name in again. @returns the nodes that have not heard of it yet */
  readmit(name: string): Promise<string[]>;
}

const FORCE = { force: z.literal("yes").optional().meta({ description: "also below REPLICAS nodes" }) };
const LIST: Route = {
  method: "get",
  path: "/api/v1/nodes",
  summary: "The nodes of the cluster",
  isOfWhole: true,
  answers: { 200: Cluster },
};
const changes = (action: string, summary: string): Route => ({
  method: "post",
  path: `/api/v1/nodes/{name}/${action}`,
  summary,
  query: FORCE,
  isOfWhole: true,
  answers: { 200: z.object({ name: z.string(), missing: z.array(z.string()) }) },
  problems: [404, 409],
});
const DRAIN = changes("drain", "Have a node give its share away");
const UNDRAIN = changes("undrain", "Give a drained node a share again");
const REMOVE = changes("remove", "Remove a node for good");
const ADD = changes("add", "Let a removed node in again");

/** The calls that only a node of a cluster answers. */
export function addNodeRoutes(routes: Routes, ports: NodePorts): void {
  const nameOf = ({ req }: Context) => req.param("name") ?? "";
  const isForced = ({ req }: Context) => req.query("force") === "yes";
  const answer = (context: Context, missing: string[]) => context.json({ name: nameOf(context), missing });

  routes.add(LIST, async (context) => context.json(await ports.list()));
  for (const [route, isDrained] of [
    [DRAIN, true],
    [UNDRAIN, false],
  ] as const)
    routes.add(route, async (context) => {
      const refusal = await ports.drain(nameOf(context), { isDrained, isForced: isForced(context) });
      return refusal ? refused(refusal) : answer(context, []);
    });
  routes.add(REMOVE, async (context) => {
    const missing = await ports.remove(nameOf(context), { isForced: isForced(context) });
    return typeof missing === "string" ? refused(missing) : answer(context, missing);
  });
  routes.add(ADD, async (context) => answer(context, await ports.readmit(nameOf(context))));
}

function refused(refusal: NodeRefusal): Response {
  if (refusal === "unknown") return notFound("there is no such node", "see lockstep nodes");
  if (refusal === "too few")
    return conflict(
      "too_few_nodes",
      "fewer nodes than REPLICAS would be left",
      "start another node first, or use --force",
    );
  if (refusal === "alive")
    return conflict("node_alive", "the node is alive", "drain it and stop it first, or use --force");
  return conflict("node_away", "the node does not answer", "start it, or remove it");
}
