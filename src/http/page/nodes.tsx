import { counted } from "../../base/units.js";
import type { ClusterView, NodeView } from "../nodes.js";
import type { Mood } from "./icon.js";
import { Notice } from "./notice.js";
import { State, Table } from "./parts.js";

const MOODS: Record<NodeView["state"], Mood> = { alive: "good", leaving: "warn", silent: "bad", away: "bad" };

/** Shows the nodes of the cluster, as this one sees them. */
export const Nodes = ({ of: { nodes, replicas, redis } }: { of: ClusterView }) => (
  <>
    {!redis.reachable && (
      <Notice mood="bad">
        Redis cannot be used: {redis.reason ?? "it was not reached yet"}. → Start it, and check REDIS_URL with
        lockstep doctor.
      </Notice>
    )}
    <Table
      caption={
        <>
          {counted(nodes.length, "node", "nodes")}; each repository is on {placesOf(replicas)}
        </>
      }
      columns={["Node", "State", "Share", "Owns", "Keeps for others", "Backlog", "Address"]}
      rows={nodes.map(({ name, state, weight, isSelf, isDrained, owned, kept, backlog, url }) => [
        <>
          {name}
          {isSelf && <span class="dim"> (this page)</span>}
        </>,
        <State of={state} kind={MOODS[state]} word={isDrained ? `${state}, drained` : state} />,
        weight === 0 ? "none" : String(weight),
        owned.toLocaleString("en"),
        countOf(kept),
        countOf(backlog),
        url ?? "–",
      ])}
      empty=""
    />
  </>
);

const placesOf = (replicas: ClusterView["replicas"]): string => {
  if (replicas === "all") return "every node";
  return replicas === 1 ? "one of them" : `${replicas} of them`;
};

/** A node that does not answer says no number. */
const countOf = (count: number | null) =>
  count === null ? <span class="dim">not known</span> : count.toLocaleString("en");
