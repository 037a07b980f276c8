import { createPlacement, forEachMove, type Placement } from "../src/cluster/placement.js";
import { Releasers } from "../tools/releasers.js";
import { runBench } from "./run.js";

const HELP = `Usage: npm run bench:scale [-- --nodes 100 --repositories 1000000]

Simulates placement with REPLICAS=2: how evenly nodes share, what moves when a node joins or leaves, and what that costs
of the processor. Also the REST calls of a pass, by 100 repositories a call.

  --nodes <n>         default 100
  --repositories <n>  default 1,000,000`;

const REPLICAS = 2;
const LISTED_BY_A_CALL = 100;

const nodesOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({ name: `node-${from + n}`, weight: 1 }));

/** @returns the smallest and the largest share, in parts of an even one */
function sharesOf(placement: Placement, ids: readonly number[], nodes: number) {
  const owned = new Map<string, number>();
  for (const id of ids)
    for (const name of placement.ownersOf(id)) owned.set(name, (owned.get(name) ?? 0) + 1);
  const even = (ids.length * REPLICAS) / nodes;
  return { least: Math.min(...owned.values()) / even, most: Math.max(...owned.values()) / even };
}

/** @returns the share of all copies that move, and the time of the processor in seconds */
async function movesBetween(before: Placement, after: Placement, ids: readonly number[]) {
  const began = process.cpuUsage();
  let moved = 0;
  await forEachMove({ before, after }, ids, (move) => {
    moved += move.after.filter((name) => !move.before.includes(name)).length;
  });
  const { user, system } = process.cpuUsage(began);
  return { moved: moved / (ids.length * REPLICAS), seconds: (user + system) / 1e6 };
}

runBench(new Releasers(), {
  help: HELP,
  options: {
    nodes: { type: "string", default: "100" },
    repositories: { type: "string", default: "1000000" },
  },
  async measure(values, report) {
    const [nodes, repositories] = [Number(values.nodes), Number(values.repositories)];
    const ids = Array.from({ length: repositories }, (_, n) => 1 + n * 7_919);
    const placement = createPlacement(nodesOf(nodes), REPLICAS);
    const result = {
      nodes,
      repositories,
      shares: sharesOf(placement, ids, nodes),
      joining: await movesBetween(placement, createPlacement(nodesOf(nodes + 1), REPLICAS), ids),
      leaving: await movesBetween(placement, createPlacement(nodesOf(nodes - 1), REPLICAS), ids),
      callsOfAPass: Math.ceil(repositories / LISTED_BY_A_CALL),
    };
    const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
    const rows = [
      ["smallest and largest share", `${percent(result.shares.least)}, ${percent(result.shares.most)}`],
      ["moves when a node joins", percent(result.joining.moved)],
      ["moves when a node leaves", percent(result.leaving.moved)],
      ["processor for a new view", `${result.joining.seconds.toFixed(1)} s`],
      ["REST calls of a pass, for all nodes", String(result.callsOfAPass)],
    ];
    const heading = [
      "",
      `${nodes} nodes, ${repositories.toLocaleString("en")} repositories, REPLICAS=${REPLICAS}`,
    ];
    report.table([heading, ...rows]);
    return result;
  },
});
