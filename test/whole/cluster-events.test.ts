import { EventSourceParserStream } from "eventsource-parser/stream";
import { expect, onTestFinished, test } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import { receiver, SECRET } from "../support/consumers.js";
import { startNodes, type TestCluster, type TestNode } from "../support/nodes.js";

interface Status {
  announce: { pending: number }[];
}

type Push = Awaited<ReturnType<TestCluster["standin"]["commit"]>>;

/**
 * Waits until every node has an event of each push, and has nothing left to tell. A ref is in the mirror before its event is
 * in the outbox: a node that told nothing yet has nothing pending either.
 */
async function allTold(nodes: readonly TestNode[], pushes: readonly Push[]): Promise<void> {
  const ask = async <T>({ lockstep }: TestNode, path: string) =>
    (await (await lockstep.api(path)).json()) as T;
  for (const node of nodes) {
    for (const { repo, after } of pushes)
      await expect
        .poll(async () => {
          const path = `/api/v1/repos/acme/${repo.name}/changes`;
          const { changes = [] } = await ask<{ changes?: { after: string }[] }>(node, path);
          return changes.map((it) => it.after);
        })
        .toContain(after);
    await expect
      .poll(async () => (await ask<Status>(node, "/api/v1/status?node=self")).announce[0]?.pending)
      .toBe(0);
  }
}

test("with REPLICAS=2 a URL hears of a push once, and also of what the first owner could not tell any more", async () => {
  const { url, got } = await receiver();
  const announce = { REPLICAS: "2", ANNOUNCE_URLS: url, ANNOUNCE_SECRET: SECRET };
  const { cluster, repos, nodes } = await startNodes(announce, "a", "b");
  const heardOf = (after: string) =>
    got.filter(({ event }) => event.changes.some((it) => it.after === after));
  const pushes = [];
  for (const repo of repos) {
    const push = await cluster.standin.commit(repo, "main");
    await cluster.deliver(push, nodes[0]!);
    pushes.push(push);
  }
  // Both owners have brought every push; one of them has told of it.
  for (const { after } of pushes) await expect.poll(() => heardOf(after).length).toBe(1);
  await expect.poll(() => cluster.faults(repos)).toEqual([]);
  await allTold(nodes, pushes);

  const [first] = cluster.ownersOf(repos[0]!);
  const [dies, stays] = [cluster.node(first!), nodes.find(({ name }) => name !== first)!];
  await dies.lockstep.kill9();
  const late = await cluster.standin.commit(repos[0]!, "main");
  await cluster.deliver(late, stays);
  await expect.poll(() => heardOf(late.after).length).toBe(1);
  await allTold([stays], [...pushes, late]);
  for (const { after } of pushes) expect(heardOf(after)).toHaveLength(1);
});

interface Told {
  id: string;
  event: Announcement & { node: string };
}

/** Reads the event stream of a node until the end of the test. */
async function listen(node: TestNode, lastEventId?: string) {
  const left = new AbortController();
  onTestFinished(() => left.abort());
  const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await node.lockstep.api("/api/v1/events", { headers, signal: left.signal });
  const told: Told[] = [];
  let gaps = 0;
  const messages = response
    .body!.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  const reading = (async () => {
    for await (const { id, event, data } of messages) {
      if (event === "gap") gaps++;
      else told.push({ id: id!, event: JSON.parse(data) });
    }
  })();
  reading.catch(() => {});
  const of = (after: string) => told.filter(({ event }) => event.changes.some((it) => it.after === after));
  return { told, of, gaps: () => gaps, status: response.status, leave: () => left.abort() };
}

test("the event stream of any node has the events of all, goes on at another node, and repeats nothing", async () => {
  for (const replicas of ["1", "2"]) {
    const { cluster, repos, nodes } = await startNodes({ REPLICAS: replicas }, "a", "b");
    const [a, b] = [nodes[0]!, nodes[1]!];
    const pushAll = async () => {
      const pushes = [];
      for (const repo of repos) pushes.push(await cluster.standin.commit(repo, "main"));
      for (const push of pushes) await cluster.deliver(push, a);
      return pushes.map(({ after }) => after);
    };
    const atA = await listen(a);
    const first = await pushAll();
    for (const after of first) await expect.poll(() => atA.of(after).length).toBe(1);
    // With two owners the events of one node say all.
    if (replicas === "1") expect(new Set(atA.told.map(({ event }) => event.node)).size).toBe(2);
    atA.leave();

    const missed = await pushAll();
    const atB = await listen(b, atA.told.at(-1)!.id);
    for (const after of missed) await expect.poll(() => atB.of(after).length).toBeGreaterThan(0);
    const last = await pushAll();
    for (const after of last) await expect.poll(() => atB.of(after).length).toBeGreaterThan(0);
    expect([atA.gaps(), atB.gaps()]).toEqual([0, 0]);
    // A second owner may bring a push when the ref has moved on at the first one, and say so.
    if (replicas === "1") for (const after of [...missed, ...last]) expect(atB.of(after)).toHaveLength(1);
  }
});

test("an id of a single node's stream is taken with a gap, and any other text is refused", async () => {
  const { cluster, repos, nodes } = await startNodes({}, "a", "b");
  const stream = await listen(nodes[0]!, "3");
  await expect.poll(stream.gaps).toBe(1);
  const push = await cluster.standin.commit(repos[0]!, "main");
  await cluster.deliver(push, nodes[0]!);
  await expect.poll(() => stream.of(push.after).length).toBe(1);
  expect((await listen(nodes[0]!, "a:1;b:2")).status).toBe(400);
});
