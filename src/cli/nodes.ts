import type { Command } from "commander";
import type { ClusterView } from "../http/nodes.js";
import { AnswerError, type Client } from "./client.js";
import { EXIT } from "./exit.js";
import { print, printJson, table } from "./print.js";

const PATH = "/api/v1/nodes";
const SETTINGS = "/api/v1/cluster";
/** What a Lockstep that is alone answers; an unknown node has another answer. */
const NO_CLUSTER = "no such resource";

/** Commands about the nodes of a cluster. */
export function addNodeCommands(program: Command, client: () => Client): void {
  const nodes = program
    .command("nodes")
    .description("list, drain and remove the nodes of a cluster")
    .addHelpText("after", "\nExample:\n  lockstep nodes list");
  nodes
    .command("list", { isDefault: true })
    .description("list the nodes, what each owns, and what still moves")
    .addHelpText("after", "\nExample:\n  lockstep nodes list")
    .action(() => listNodes(client()));
  const change = (action: string, description: string, done: string) =>
    nodes
      .command(`${action} <name>`)
      .description(description)
      .option("--force", "also if fewer nodes than REPLICAS are left")
      .addHelpText("after", `\nExample:\n  lockstep nodes ${action} node-2`)
      .action(async (name: string, { force }: { force?: boolean }) => {
        const path = `${PATH}/${encodeURIComponent(name)}/${action}${force ? "?force=yes" : ""}`;
        const { body } = await askCluster<{ missing: string[] }>(client(), "POST", path);
        if (client().json) return printJson(body);
        print(`${name} ${done}`);
        if (body.missing.length > 0) print(`not heard of it yet: ${body.missing.join(", ")}`);
      });
  change("drain", "have a node give its share to the others", "is drained; see kept in lockstep nodes list");
  change("undrain", "give a drained node a share again", "takes its share again");
  change("remove", "remove a node for good", "is removed");
  const settle = async (path: string, query: Record<string, string>, done: string) => {
    const { body } = await askCluster<{ missing: string[] }>(
      client(),
      "POST",
      `${SETTINGS}/${path}?${new URLSearchParams(query)}`,
    );
    if (client().json) return printJson(body);
    print(done);
    if (body.missing.length > 0) print(`not heard of it yet: ${body.missing.join(", ")}`);
  };
  nodes
    .command("replicas <number>")
    .description("set how many nodes own each repository: 1, 2 or all")
    .addHelpText("after", "\nExample:\n  lockstep nodes replicas 2")
    .action((value: string) =>
      settle("replicas", { value }, `each repository has ${value} owners from now on`),
    );
  nodes
    .command("pin <owner/name> <node>")
    .description("make a node the first owner of a repository")
    .addHelpText("after", "\nExample:\n  lockstep nodes pin acme/app node-2")
    .action((repository: string, node: string) =>
      settle("pin", { repository, node }, `${node} is the first owner of ${repository}`),
    );
  nodes
    .command("unpin <owner/name>")
    .description("leave it to placement again who owns a repository")
    .addHelpText("after", "\nExample:\n  lockstep nodes unpin acme/app")
    .action((repository: string) => settle("unpin", { repository }, `placement says who owns ${repository}`));
  change("add", "let a removed node in again", "may join again");
}

async function listNodes(client: Client): Promise<void> {
  const { body } = await askCluster<ClusterView>(client, "GET", PATH);
  if (client.json) return printJson(body);
  const rows = body.nodes.map(({ name, state, weight, isSelf, isDrained, owned, kept, url, version }) => [
    isSelf ? `${name} *` : name,
    isDrained ? `${state}, drained` : state,
    version ?? "?",
    String(weight),
    String(owned),
    kept === null ? "?" : String(kept),
    url ?? "",
  ]);
  for (const line of table([
    ["NODE", "STATE", "VERSION", "WEIGHT", "OWNS", "KEEPS FOR OTHERS", "URL"],
    ...rows,
  ]))
    print(line);
  if (!body.redis.reachable) print(`Redis is away: ${body.redis.reason ?? "not reached yet"}`);
}

/** @throws AnswerError, which says so where Lockstep is not one of several nodes */
async function askCluster<T>(client: Client, method: "GET" | "POST", path: string): Promise<{ body: T }> {
  try {
    return await client.ask<T>(method, path);
  } catch (error) {
    const isAlone = error instanceof AnswerError && error.message === NO_CLUSTER;
    if (!isAlone) throw error;
    throw new AnswerError(
      "this Lockstep is not one of several nodes",
      EXIT.failed,
      "docs/cluster.md says how to run several; `lockstep status` shows this one",
    );
  }
}
