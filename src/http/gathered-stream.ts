import { EventEmitter } from "node:events";
import type { SSEStreamingApi } from "hono/streaming";
import type { Caller } from "../base/access.js";
import { monotonicMs } from "../base/clock.js";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import { beginSlice } from "../base/slices.js";
import {
  BATCH,
  GAP,
  HEARTBEAT,
  HEARTBEAT_MS,
  inTime,
  isGap,
  noEventId,
  type OwnEvents,
  RETRY,
  waitForEvent,
} from "./event-stream.js";
import {
  createRepeats,
  type EventAnswer,
  type EventsOfNodes,
  type Positions,
  readPositions,
  writePositions,
} from "./gathered-events.js";

type Ports = OwnEvents & { nodes: EventsOfNodes };

interface Reader {
  /** Null: all repositories. */
  repositoryId: number | null;
  /** Destroys the connection at once. */
  drop(): void;
  caller: Caller;
}

/** A reader of the events of all nodes. Those of each node come in their order; two nodes' come as they are found. */
export interface Gathered {
  /**
   * Finds out where to begin, before the answer begins. @param given the id that the reader was sent last, if any
   * @returns the answer that explains what is wrong with the id; null: nothing
   */
  begin(given: string | undefined): Promise<Response | null>;
  send(stream: SSEStreamingApi): Promise<void>;
}

export function createGathered(ports: Ports, { repositoryId, drop, caller }: Reader): Gathered {
  const { nodes, newEvents } = ports;
  const isRepeat = createRepeats();
  const { sees, isValid } = caller;
  let positions: Positions = new Map();
  let hasGap = false;

  async function read(node: string, after: number | null): Promise<EventAnswer | null> {
    if (node !== nodes.self) return nodes.read(node, { after, limit: BATCH, repositoryId });
    return { ...ports.bounds(), events: after === null ? [] : ports.after(after, BATCH, repositoryId) };
  }

  async function beginNow(): Promise<void> {
    const all = [nodes.self, ...nodes.others()];
    const answers = await Promise.all(all.map(async (node) => [node, await read(node, null)] as const));
    for (const [node, answer] of answers) if (answer) positions.set(node, answer.newest);
  }

  /** Reads on. @returns null: the node does not answer; `isGap`: events are missing before these */
  async function next(node: string): Promise<{ events: Announcement[]; isGap: boolean } | null> {
    const at = positions.get(node);
    const answer = await read(node, at ?? null);
    if (!answer) return null;
    if (at === undefined) {
      // A node that has come since may have had something to tell before this.
      positions.set(node, answer.newest);
      return { events: [], isGap: true };
    }
    const isMissing = isGap(at, answer);
    if (at > answer.newest) positions.set(node, 0);
    return { events: at > answer.newest ? [] : answer.events, isGap: isMissing };
  }

  async function send(stream: SSEStreamingApi): Promise<void> {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    const [waiting, news] = [new Set([nodes.self, ...positions.keys()]), new EventEmitter()];
    const note = (node: string) => {
      waiting.add(node);
      news.emit("event");
    };
    const noteOwn = () => note(nodes.self);
    newEvents.on("event", noteOwn);
    nodes.follow(note, left.signal);
    try {
      await sendAll(stream, { waiting, news, left: left.signal });
    } finally {
      left.abort();
      newEvents.off("event", noteOwn);
    }
  }

  async function sendAll(
    stream: SSEStreamingApi,
    { waiting, news, left }: { waiting: Set<string>; news: EventEmitter; left: AbortSignal },
  ): Promise<void> {
    const write = (text: string) => inTime(stream.write(text), drop);
    const isOpen = () => !stream.aborted && !ports.stopping() && isValid();
    const slice = beginSlice();
    let sentAt = monotonicMs();
    const beat = async () => {
      await write(HEARTBEAT);
      sentAt = monotonicMs();
    };
    await write(RETRY);
    if (hasGap) await write(GAP);
    while (isOpen()) {
      const [node] = waiting;
      if (node === undefined) {
        if (!(await waitForEvent(news, left)) && isOpen()) await beat();
        continue;
      }
      waiting.delete(node);
      const found = await next(node);
      if (!found) continue;
      if (found.isGap) await write(GAP);
      // What is left is read in turn with the other nodes.
      if (found.events.length > 0 || found.isGap) waiting.add(node);
      for (const event of found.events) {
        if (!isOpen()) return;
        positions.set(node, event.id);
        const isHidden = sees !== null && !sees(fullName(event.repository));
        if (!isHidden && !isRepeat(event)) {
          await write(textOf(event, node));
          sentAt = monotonicMs();
        } else if (slice.isOver()) await slice.next();
      }
      // Events that the reader may not see are no sign of life.
      if (monotonicMs() - sentAt >= HEARTBEAT_MS) await beat();
    }
  }

  const textOf = (event: Announcement, node: string): string =>
    `id: ${writePositions(positions)}\nevent: ${event.type}\ndata: ${JSON.stringify({ ...event, node })}\n\n`;

  return {
    async begin(given) {
      const known = given === undefined ? null : readPositions(given);
      if (given !== undefined && known === null && !/^\d{1,15}$/.test(given)) return noEventId();
      // The id of one node's stream does not say which node it was.
      hasGap = given !== undefined && known === null;
      if (known) positions = known;
      else await beginNow();
      return null;
    },
    send,
  };
}
