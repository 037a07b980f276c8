import { setTimeout as sleep } from "node:timers/promises";
import type { Announcement } from "../base/model.js";
import type { EventAnswer, EventQuestion, EventsOfNodes } from "../http/gathered-events.js";
import { type Answers, type Ask, createAskNamed } from "./asking.js";
import type { Members } from "./members.js";

interface Ports {
  /** This node's name. */
  self: string;
  members: Pick<Members, "all" | "get">;
  ask: Ask;
}

const KINDS = { read: "events", wait: "newer-events" } as const;
/** How long a node keeps a question about newer events open, in milliseconds. */
const OPEN_MS = 3_000;
/** Nodes that come and go are noticed within this time, in milliseconds. */
const LOOK_MS = 2_000;
/** An event names a thousand refs at most, and an answer from node to node has 1 MiB at most. Characters of JSON. */
const MAX_ANSWER = 400_000;

/** Reads the events of the other nodes. While somebody follows them, each is asked all the time whether it has newer ones. */
export function createEventsOfNodes({ self, members, ask }: Ports): Omit<EventsOfNodes, "find"> {
  const askNamed = createAskNamed(ask, members);
  const followers = new Set<(node: string) => void>();
  const followed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const others = () =>
    members.all().flatMap(({ name, url, isAlive }) => (name !== self && url !== null && isAlive ? name : []));

  /** Asks a node for as long as somebody listens and it is alive. The first answer counts as news. */
  async function follow(name: string): Promise<void> {
    followed.add(name);
    let known = -1;
    while (followers.size > 0 && others().includes(name)) {
      const newest = await askNamed<number>(name, KINDS.wait, known);
      if (newest === null) {
        await sleep(LOOK_MS);
        known = -1;
      } else if (newest !== known) {
        known = newest;
        for (const tell of followers) tell(name);
      }
    }
    followed.delete(name);
  }

  function look(): void {
    for (const name of others()) if (!followed.has(name)) void follow(name);
  }

  return {
    self,
    others,
    read: (node, question) => askNamed<EventAnswer>(node, KINDS.read, question),
    follow(tell, left) {
      followers.add(tell);
      const earlier = new Set(followed);
      look();
      // A node that others follow already gives no first answer of its own.
      for (const name of others()) if (earlier.has(name)) tell(name);
      timer ??= setInterval(look, LOOK_MS);
      left.addEventListener(
        "abort",
        () => {
          followers.delete(tell);
          if (followers.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
        { once: true },
      );
    },
  };
}

interface Source {
  after(id: number, limit: number, repositoryId: number | null): Announcement[];
  bounds(): { oldest: number; newest: number };
  /** Resolves to true as soon as new events may exist; false: there were none until the signal. */
  waitForEvent(left: AbortSignal): Promise<boolean>;
}

/** Answers other nodes that read this node's events. */
export function createEventAnswers({ after, bounds, waitForEvent }: Source): Answers {
  return {
    [KINDS.read](body) {
      const { after: id, limit, repositoryId } = readQuestion(body);
      const { oldest, newest } = bounds();
      const events = id === null ? [] : cut(after(id, limit, repositoryId));
      return { oldest, newest, events } satisfies EventAnswer;
    },
    async [KINDS.wait](known) {
      const { newest } = bounds();
      if (newest !== known) return newest;
      await waitForEvent(AbortSignal.timeout(OPEN_MS));
      return bounds().newest;
    },
  };
}

/** At least one event is answered, so that its reader gets on. */
function cut(events: Announcement[]): Announcement[] {
  let left = MAX_ANSWER;
  const fits = events.findIndex((event, n) => {
    left -= JSON.stringify(event).length;
    return left < 0 && n > 0;
  });
  return fits < 0 ? events : events.slice(0, fits);
}

/** @throws Error for what is no question of this kind */
function readQuestion(body: unknown): EventQuestion {
  const { after, limit, repositoryId } = (body ?? {}) as EventQuestion;
  const isId = (value: unknown) => value === null || Number.isSafeInteger(value);
  if (!isId(after) || !isId(repositoryId) || !(limit > 0 && limit <= 100))
    throw new Error("no question about events");
  return { after, limit, repositoryId };
}
