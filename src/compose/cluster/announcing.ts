import type { Answers } from "../../cluster/asking.js";
import { createEventAnswers, createEventsOfNodes } from "../../cluster/node-events.js";
import { readToldQuestion, TOLD } from "../../cluster/telling.js";
import type { Config } from "../../config/load.js";
import { waitForEvent } from "../../http/event-stream.js";
import type { EventsOfNodes } from "../../http/gathered-events.js";
import { provenAt } from "../../views/freshness.js";
import type { Domain } from "../domain.js";
import type { ClusterNode } from "./node.js";

interface Needs {
  node: Pick<ClusterNode, "self" | "members" | "ask" | "directory">;
  domain: Domain;
}

/** What nodes tell each other of their events, and ask about those that one of them announces. */
export function openAnnouncing(
  { customRefs }: Pick<Config, "customRefs">,
  { node, domain }: Needs,
): { events: EventsOfNodes; answers: Answers } {
  const { self, members, ask, directory } = node;
  const { announcer, records } = domain;
  const { outbox, newEvents } = announcer;
  return {
    events: { ...createEventsOfNodes({ self: self.name, members, ask }), find: directory.find },
    answers: {
      ...createEventAnswers({
        after: outbox.after,
        bounds: outbox.bounds,
        waitForEvent: (left) => waitForEvent(newEvents, left),
      }),
      [TOLD](body) {
        const question = readToldQuestion(body);
        const repository = records.registry.get(question.repositoryId);
        const at = repository && provenAt(repository, { customRefs, now: Date.now() });
        return announcer.hasTold(question, at);
      },
    },
  };
}
