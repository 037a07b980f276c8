import type { Log } from "../base/log.js";
import { deleteInSlices } from "../base/slices.js";
import type { Backlog } from "./backlog.js";
import type { Consumer } from "./consumer.js";
import type { Outbox } from "./outbox.js";

interface PrunePorts {
  outbox: Pick<Outbox, "pruneEvents" | "pruneIntents">;
  backlog: Pick<Backlog, "dropSome">;
  consumers: Pick<Consumer, "key" | "shown">[];
  log: Pick<Log, "error">;
}

/**
 * Deletes events made before `before`, once no consumer waits for one of them, and intents as old.
 * @throws what the database throws, and the signal's reason
 */
export async function pruneAnnounced(ports: PrunePorts, before: number, signal?: AbortSignal): Promise<void> {
  const { outbox, log } = ports;
  for (const consumer of ports.consumers) await dropBacklog(ports, consumer, before, signal);
  await deleteInSlices((limit) => outbox.pruneEvents(before, limit), signal);
  const changes = await deleteInSlices((limit) => outbox.pruneIntents(before, limit), signal);
  if (changes > 0)
    log.error(
      { event: "changes_unannounced", changes },
      "some changes were never announced because their refresh did not finish",
    );
}

async function dropBacklog(
  { backlog, log }: PrunePorts,
  { key, shown }: Pick<Consumer, "key" | "shown">,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  let dropped = 0;
  await deleteInSlices((limit) => {
    const { repositories, events } = backlog.dropSome(key, before, limit);
    dropped += events;
    return repositories;
  }, signal);
  if (dropped > 0)
    log.error(
      { event: "events_dropped", consumer: shown, dropped },
      "a consumer accepted no events for a week; its backlog was dropped",
    );
}
