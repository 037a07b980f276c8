import { expect, test } from "vitest";
import { createAcceptor } from "../../../src/cluster/handover/accept.js";
import type { HandedOver } from "../../../src/cluster/handover/job.js";
import { createPlacement } from "../../../src/cluster/placement.js";
import type { RequestDecision } from "../../../src/deliveries/decisions.js";
import type { DeliveryRecord } from "../../../src/deliveries/log.js";

const AWAY = () => Promise.reject(new Error("Redis is away"));
const placement = createPlacement(
  [
    { name: "a", weight: 1 },
    { name: "b", weight: 1 },
    { name: "c", weight: 1 },
  ],
  2,
);
const RAW = {
  headers: {
    id: "guid",
    event: "push",
    signature: "sha256=x",
    mediaType: "json" as const,
    isPassedOn: false,
  },
  body: Buffer.from("{}"),
};
const PASSED_ON = { ...RAW, headers: { ...RAW.headers, isPassedOn: true } };
const DELIVERY: DeliveryRecord = { id: "guid", event: "push", action: null, via: "webhook", receivedAt: 5 };

function decisionAbout(kind: "repository" | "installation", id: number): RequestDecision {
  return { kind: "request", subject: { kind, id }, intent: { trigger: "push", hints: [], full: true } };
}
/** Returns a repository with these owners, in this order. */
function ownedBy(...owners: string[]): RequestDecision {
  for (let id = 1; ; id++)
    if (placement.ownersOf(id).join() === owners.join()) return decisionAbout("repository", id);
}

type Ports = Parameters<typeof createAcceptor>[0];

/** An acceptor of node `a`, whose ports record their calls. */
function acceptorOf(changes: Partial<Ports> = {}) {
  const calls: string[] = [];
  const jobs: HandedOver[] = [];
  const acceptor = createAcceptor({
    self: "a",
    members: { placement: () => placement, get: (name) => ({ url: `http://${name}` }) as never },
    async send(node, handed) {
      calls.push(`send ${node}`);
      jobs.push(handed);
      return "sent";
    },
    async post(url) {
      calls.push(`post ${url}`);
    },
    async accept() {
      calls.push("accept");
      return "accepted";
    },
    ignore: (_, reason) => void calls.push(`ignore: ${reason}`),
    isKept: () => false,
    keepersOf: () => [],
    outdate: (id) => void calls.push(`outdate ${id}`),
    now: () => 99,
    ...changes,
  });
  return { ...acceptor, calls, jobs };
}

test("what this node owns is on its own disk before anything goes to another owner", async () => {
  const { accept, calls } = acceptorOf();
  expect(await accept(DELIVERY, ownedBy("b", "a"), RAW)).toBe("accepted");
  expect(calls).toEqual(["accept", "send b"]);
});

test("a Redis that never answers holds up nothing that this node owns", async () => {
  const { accept } = acceptorOf({ send: () => new Promise(() => {}) });
  expect(await accept(DELIVERY, ownedBy("a", "c"), RAW)).toBe("accepted");
});

test("one owner that has it is enough, however the other does", async () => {
  const send = (node: string) => (node === "b" ? AWAY() : Promise.resolve("sent" as const));
  const { accept, calls } = acceptorOf({ send });
  expect(await accept(DELIVERY, ownedBy("b", "c"), RAW)).toBe("passed");
  expect(calls).toEqual(["ignore: passed to b, c"]);
});

test("without Redis all owners are asked at once, and what none of them takes is refused", async () => {
  const { accept, calls } = acceptorOf({ send: AWAY });
  expect(await accept(DELIVERY, ownedBy("b", "c"), RAW)).toBe("passed");
  expect(calls).toEqual(["post http://b", "post http://c", "ignore: passed to b, c"]);
  const refused = acceptorOf({ send: AWAY, post: AWAY });
  await expect(refused.accept(DELIVERY, ownedBy("b", "c"), RAW)).rejects.toThrow();
  expect(refused.calls).toEqual([]);
});

test("what another node passed on goes no further", async () => {
  const { accept, calls } = acceptorOf();
  expect(await accept(DELIVERY, ownedBy("b", "c"), PASSED_ON)).toBe("elsewhere");
  expect(await accept(DELIVERY, ownedBy("a", "c"), PASSED_ON)).toBe("accepted");
  expect(calls).toEqual(["accept"]);
});

test("a disk that fails is no reason to refuse what another owner takes", async () => {
  const accept = () => {
    throw new Error("disk full");
  };
  expect(await acceptorOf({ accept }).accept(DELIVERY, ownedBy("a", "b"), RAW)).toBe("passed");
  const alone = acceptorOf({ accept, send: AWAY, post: AWAY });
  await expect(alone.accept(DELIVERY, ownedBy("a", "b"), RAW)).rejects.toThrow("disk full");
});

test("an installation's event outdates its list before any node reads it, and goes to every node", async () => {
  const { accept, calls } = acceptorOf();
  await accept(DELIVERY, decisionAbout("installation", 7), RAW);
  expect(calls).toEqual(["outdate 7", "accept", "send b", "send c"]);
});

test("a node that keeps a mirror gets what its owner gets, from GitHub or from another node", async () => {
  const { accept, take, calls } = acceptorOf({ keepersOf: () => ["c"] });
  await accept(DELIVERY, ownedBy("a", "b"), RAW);
  await take({ hops: 0, delivery: DELIVERY, decision: ownedBy("a", "b") });
  expect(calls).toEqual(["accept", "send b", "send c", "accept", "send c"]);
});

test("a node that keeps a mirror takes what GitHub sends there, once the owners have it", async () => {
  const { accept, calls } = acceptorOf({ isKept: () => true });
  expect(await accept(DELIVERY, ownedBy("b", "c"), RAW)).toBe("passed");
  expect(calls).toEqual(["send b", "send c", "ignore: passed to b, c", "accept"]);
});

test("while no node takes repositories, GitHub hears so", async () => {
  const members = { placement: () => createPlacement([], 1), get: () => null };
  await expect(acceptorOf({ members }).accept(DELIVERY, ownedBy("a", "b"), RAW)).rejects.toThrow(/no node/);
});

test("a job is taken by an owner, and by a node that still has the mirror", async () => {
  for (const [changes, decision] of [
    [{}, ownedBy("a", "b")],
    [{ isKept: () => true }, ownedBy("b", "c")],
  ] as const) {
    const { take, calls } = acceptorOf(changes);
    await take({ hops: 0, delivery: DELIVERY, decision });
    expect(calls).toEqual(["accept"]);
  }
});

test("a job for a repository that moved on follows it once, and no further", async () => {
  const { take, calls, jobs } = acceptorOf();
  await take({ hops: 0, delivery: DELIVERY, decision: ownedBy("b", "c") });
  expect(calls).toEqual(["send b", "send c", "ignore: passed to b, c"]);
  calls.length = 0;
  await take(jobs[0]!);
  expect(calls).toEqual(["ignore: another node owns the repository"]);
});

test("the owner's own clock dates what it takes", async () => {
  let receivedAt = 0;
  const accept: Ports["accept"] = async (delivery) => {
    receivedAt = delivery.receivedAt;
    return "accepted";
  };
  await acceptorOf({ accept }).take({ hops: 0, delivery: DELIVERY, decision: ownedBy("a", "b") });
  expect(receivedAt).toBe(99);
});
