import type { Context } from "hono";
import { z } from "zod";
import type { RepositoryName } from "../base/model.js";
import { isOwner, isRepositoryName } from "../base/names.js";
import { badRequest, notFound } from "./lookup.js";
import type { Route, Routes } from "./routes.js";

const Replicas = z.union([z.number().int(), z.literal("all")]);
const Settings = z.object({
  version: z
    .number()
    .int()
    .meta({ description: "grows with every change; 0: each node goes by its REPLICAS" }),
  replicas: Replicas.meta({ description: "how many nodes own each repository" }),
  pins: z.array(z.object({ id: z.number().int(), node: z.string() })).meta({
    description: "repositories, by GitHub's id, with the node that is their first owner",
  }),
});
const Changed = z.object({
  missing: z.array(z.string()).meta({ description: "nodes that have not heard of it yet, and will" }),
});

/** What belongs to the cluster, and is the same on every node. */
export interface SettingsPorts {
  read(): z.output<typeof Settings>;
  /** @returns the nodes that have not heard of it yet */
  setReplicas(replicas: number | "all"): Promise<string[]>;
  /** @param node null: placement decides again @returns the nodes that have not heard of it yet, or why nothing was done */
  pin(repository: RepositoryName, node: string | null): Promise<string[] | "no repository" | "no node">;
}

const READ: Route = {
  method: "get",
  path: "/api/v1/cluster",
  summary: "What belongs to the cluster: REPLICAS and pins",
  isOfWhole: true,
  answers: { 200: Settings },
};
const SET_REPLICAS: Route = {
  method: "post",
  path: "/api/v1/cluster/replicas",
  summary: "Set how many nodes own each repository",
  query: { value: z.enum(["1", "2", "all"]) },
  isOfWhole: true,
  answers: { 200: Changed },
  problems: [400],
};
const REPOSITORY = { repository: z.string().meta({ description: "owner/name" }) };
const PIN: Route = {
  method: "post",
  path: "/api/v1/cluster/pin",
  summary: "Make a node the first owner of a repository",
  query: { ...REPOSITORY, node: z.string() },
  isOfWhole: true,
  answers: { 200: Changed },
  problems: [400, 404],
};
const UNPIN: Route = {
  method: "post",
  path: "/api/v1/cluster/unpin",
  summary: "Leave it to placement again who owns a repository",
  query: REPOSITORY,
  isOfWhole: true,
  answers: { 200: Changed },
  problems: [400, 404],
};

/** The calls about the settings that all nodes share. */
export function addClusterSettings(routes: Routes, ports: SettingsPorts): void {
  async function pin(context: Context, node: string | null): Promise<Response> {
    const [owner = "", name = "", ...rest] = (context.req.query("repository") ?? "").split("/");
    if (!isOwner(owner) || !isRepositoryName(name) || rest.length > 0)
      return badRequest("no repository", "write it as owner/name");
    const done = await ports.pin({ owner, name }, node);
    if (done === "no repository") return notFound("no node knows the repository", "check the name");
    if (done === "no node") return notFound("there is no such node", "see lockstep nodes");
    return context.json({ missing: done });
  }

  routes.add(READ, (context) => context.json(ports.read()));
  routes.add(SET_REPLICAS, async (context) => {
    const value = context.req.query("value") ?? "";
    if (!["1", "2", "all"].includes(value)) return badRequest("no number of owners", "write 1, 2 or all");
    return context.json({ missing: await ports.setReplicas(value === "all" ? value : Number(value)) });
  });
  routes.add(PIN, (context) => {
    const node = context.req.query("node");
    return node ? pin(context, node) : badRequest("no node", "name one of lockstep nodes");
  });
  routes.add(UNPIN, (context) => pin(context, null));
}
