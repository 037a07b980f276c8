import { statesOf } from "../base/event-states.js";
import type { Announcement, RepositoryName } from "../base/model.js";

/** What one node asks another one for. */
export interface EventQuestion {
  /** Events later than this id; null: none, only which ids there are. */
  after: number | null;
  limit: number;
  /** Null: of all repositories. */
  repositoryId: number | null;
}

export interface EventAnswer {
  /** The ids of the oldest stored event (0 when there is none) and of the last event ever made. */
  oldest: number;
  newest: number;
  /** Oldest first. */
  events: Announcement[];
}

/** The events of the other nodes of a cluster. */
export interface EventsOfNodes {
  /** This node's name. */
  self: string;
  /** Returns the names of the other nodes that are alive. */
  others(): string[];
  /** @returns null: the node does not answer */
  read(node: string, question: EventQuestion): Promise<EventAnswer | null>;
  /** Calls `tell` with the name of each other node that may have new events, until the signal; once with each one at first. */
  follow(tell: (node: string) => void, left: AbortSignal): void;
  /** Returns the id of a repository that any node has; null: none has. */
  find(name: RepositoryName): number | null;
}

/** How far a reader has read the events of each node, by the node's name. */
export type Positions = Map<string, number>;

/** Nodes have names of 40 characters at most, and a cluster about a hundred of them. */
const MAX_CURSOR = 6_000;
const CURSOR = /^[a-z\d-]{1,40}:\d{1,15}(?:,[a-z\d-]{1,40}:\d{1,15})*$/;

/** @returns null: the text is no id of a gathered stream */
export function readPositions(text: string): Positions | null {
  if (text.length > MAX_CURSOR || !CURSOR.test(text)) return null;
  return new Map(
    text.split(",").map((part) => [part.slice(0, part.indexOf(":")), Number(part.split(":")[1])]),
  );
}

export const writePositions = (positions: Positions): string =>
  [...positions].map(([node, id]) => `${node}:${id}`).join(",");

/** A reader remembers what so many refs were last said to be. */
const REMEMBERED = 10_000;

/**
 * Says whether an event is the same news from a second node: each of its refs is where an earlier event has left it. A ref
 * that went there and back is news again.
 */
export function createRepeats(): (event: Announcement) => boolean {
  const last = new Map<string, string>();
  return (event) => {
    let isNew = event.truncated || event.type === "cloned";
    for (const [about, value] of statesOf(event)) {
      const key = `${event.repository.id} ${about}`;
      if (last.get(key) !== value) isNew = true;
      last.delete(key);
      last.set(key, value);
    }
    for (const key of last.keys()) {
      if (last.size <= REMEMBERED) break;
      last.delete(key);
    }
    return !isNew;
  };
}
