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

type Ports = OwnEvents & {
  /** The other nodes of a cluster; null: this Lockstep is alone. */
  nodes: EventsOfNodes | null;
};

interface Asked {
  /** Null: all repositories. */
  repositoryId: number | null;
  /** Destroys the connection at once. */
  drop(): void;
  caller: Caller;
}

/** A reader of events, of a cluster those of all nodes. Each node's come in their order; two nodes' come as they are found. */
export interface Reader {
  /**
   * Finds out where to begin, before the answer begins. @param given the id that the reader was sent last, if any
   * @returns the answer that explains what is wrong with the id; null: nothing
   */
  begin(given: string | undefined): Promise<Response | null>;
  send(stream: SSEStreamingApi): Promise<void>;
}

/** A node that did not answer is asked for its events again after this time, in milliseconds. */
const ASK_AGAIN_MS = 2_000;

interface Sending {
  /** Nodes that may have events. */
  waiting: Set<string>;
  news: EventEmitter;
  left: AbortSignal;
  /** Has a node that did not answer be among the waiting ones later. */
  askAgain(node: string): void;
}

/** The one node of a Lockstep that is alone, whose ids are numbers. */
const ALONE = "";

export function createReader(ports: Ports, { repositoryId, drop, caller }: Asked): Reader {
  const { nodes, newEvents } = ports;
  const self = nodes?.self ?? ALONE;
  // Only a second node brings the same news again.
  const isRepeat = nodes ? createRepeats() : () => false;
  const { sees, isValid } = caller;
  let positions: Positions = new Map();
  let hasGap = false;

  async function read(node: string, after: number | null): Promise<EventAnswer | null> {
    if (node !== self) return nodes?.read(node, { after, limit: BATCH, repositoryId }) ?? null;
    return { ...ports.bounds(), events: after === null ? [] : ports.after(after, BATCH, repositoryId) };
  }

  async function beginNow(): Promise<void> {
    const all = [self, ...(nodes?.others() ?? [])];
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
    const events = at > answer.newest ? [] : answer.events;
    // There is none up to the newest one, or none that the reader asks for: what is missing is said once.
    if (at > answer.newest) positions.set(node, Math.max(0, answer.oldest - 1));
    else if (events.length === 0) positions.set(node, answer.newest);
    return { events, isGap: isGap(at, answer) };
  }

  async function send(stream: SSEStreamingApi): Promise<void> {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    const [waiting, news] = [new Set([self, ...positions.keys()]), new EventEmitter()];
    const note = (node: string) => {
      waiting.add(node);
      news.emit("event");
    };
    const noteOwn = () => note(self);
    const timers = new Set<NodeJS.Timeout>();
    /** Nobody tells of the same events twice. A node that is not alive is followed again when it is back. */
    const askAgain = (node: string) => {
      if (!nodes?.others().includes(node)) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        note(node);
      }, ASK_AGAIN_MS);
      timers.add(timer);
    };
    newEvents.on("event", noteOwn);
    nodes?.follow(note, left.signal);
    try {
      await sendAll(stream, { waiting, news, left: left.signal, askAgain });
    } finally {
      left.abort();
      for (const timer of timers) clearTimeout(timer);
      newEvents.off("event", noteOwn);
    }
  }

  async function sendAll(stream: SSEStreamingApi, { waiting, news, left, askAgain }: Sending): Promise<void> {
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
      if (!found) {
        askAgain(node);
        continue;
      }
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

  function textOf(event: Announcement, node: string): string {
    const id = nodes ? writePositions(positions) : event.id;
    const data = JSON.stringify(nodes ? { ...event, node } : event);
    return `id: ${id}\nevent: ${event.type}\ndata: ${data}\n\n`;
  }

  return {
    async begin(given) {
      const isNumber = given !== undefined && /^\d{1,15}$/.test(given);
      if (given === undefined) await beginNow();
      else if (!nodes && isNumber) positions = new Map([[ALONE, Number(given)]]);
      else if (nodes && isNumber) {
        // The id of one node's stream does not say which node it was.
        hasGap = true;
        await beginNow();
      } else {
        const known = nodes && readPositions(given);
        if (!known) return noEventId();
        positions = known;
      }
      return null;
    },
    send,
  };
}
