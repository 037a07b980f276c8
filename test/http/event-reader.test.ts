import { EventEmitter, once } from "node:events";
import type { SSEStreamingApi } from "hono/streaming";
import { expect, onTestFinished, test } from "vitest";
import { OPERATOR } from "../../src/base/access.js";
import type { Announcement } from "../../src/base/model.js";
import type { Ask } from "../../src/cluster/asking.js";
import type { Members } from "../../src/cluster/members.js";
import { createEventsOfNodes } from "../../src/cluster/node-events.js";
import { createReader } from "../../src/http/event-reader.js";

/** A node `a` that reads the events of a node `b`, whose answers to some readings get lost. */
function cluster() {
  const b = { newest: 5, lost: 0 };
  const made = new EventEmitter();
  made.setMaxListeners(0);
  const left = new AbortController();
  onTestFinished(() => {
    left.abort();
    made.emit("made");
  });
  const eventOf = (id: number) =>
    ({
      ...{ id, type: "changed", repository: { id: 1, owner: "acme", name: "app" }, trigger: "push" },
      ...{ changed: 1, changes: [], publishing: [], checkouts: [], refused: [], holds: [] },
    }) as unknown;
  const ask = async (_: unknown, kind: string, body: unknown) => {
    if (kind === "newer-events") {
      if (b.newest === body) await once(made, "made");
      return b.newest;
    }
    if (b.lost-- > 0) throw new Error("ECONNRESET");
    const { after } = body as { after: number | null };
    const ids = after === null ? [] : Array.from({ length: b.newest - after }, (__, n) => after + 1 + n);
    return { oldest: 1, newest: b.newest, events: ids.map(eventOf) as Announcement[] };
  };
  const node = (name: string) => ({ name, url: `http://${name}`, isAlive: !left.signal.aborted });
  const members = { all: () => [node("a"), node("b")], get: node } as unknown as Members;
  const nodes = { ...createEventsOfNodes({ self: "a", members, ask: ask as Ask }), find: () => null };
  const own = { after: () => [], bounds: () => ({ oldest: 0, newest: 0 }), newEvents: new EventEmitter() };

  /** @returns what a new reader is sent */
  async function read(): Promise<string[]> {
    const sent: string[] = [];
    const reader = createReader(
      { ...own, stopping: () => false, nodes },
      { repositoryId: null, drop() {}, caller: OPERATOR },
    );
    expect(await reader.begin(undefined)).toBeNull();
    const stream = {
      aborted: false,
      onAbort(leave: () => void) {
        left.signal.addEventListener("abort", () => {
          stream.aborted = true;
          leave();
        });
      },
      async write(text: string) {
        const [word] = /\bgap\b|(?<="id":)\d+(?=,"type")/.exec(text) ?? [];
        if (word) sent.push(word);
      },
    };
    void reader.send(stream as unknown as SSEStreamingApi);
    return sent;
  }

  return {
    b,
    read,
    make() {
      b.newest += 1;
      made.emit("made");
    },
  };
}

test("an event whose reading fails is read again, not only with the next event", async () => {
  const { b, read, make } = cluster();
  const sent = await read();
  await expect.poll(() => b.lost).toBeLessThan(0);
  b.lost = 1;
  make();
  await expect.poll(() => sent).toEqual(["6"]);
});

test("a reader whose node does not answer at first gets the next event, also where others read already", async () => {
  const { b, read, make } = cluster();
  const first = await read();
  make();
  await expect.poll(() => first).toEqual(["6"]);
  b.lost = 1;
  const second = await read();
  // Where it begins is unknown, which it is told.
  await expect.poll(() => second).toEqual(["gap"]);
  make();
  await expect.poll(() => second).toEqual(["gap", "7"]);
});
