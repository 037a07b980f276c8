import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Store } from "../store/database.js";
import { createRecorder, type Gauges } from "../trends/recorder.js";
import { createTrendTable, SCALES } from "../trends/table.js";
import type { Worker } from "../worker.js";

interface Needs {
  log: Log;
  store: Store;
  worker: Pick<Worker, "onRefreshed" | "onMissedPush">;
  gauges(): Gauges;
  releasers: Releasers;
}

/** Records the figures of each minute, until the end. */
export function openTrends({ log, store, worker, gauges, releasers }: Needs) {
  const table = createTrendTable(store);
  const recorder = createRecorder({ table, gauges, log, now: Date.now });
  worker.onRefreshed((_trigger, result, _seconds, lagMs) => recorder.refreshed(result, lagMs));
  worker.onMissedPush(recorder.missed);
  const timer = setInterval(recorder.write, SCALES.minute.ms).unref();
  releasers.add("figures", () => {
    clearInterval(timer);
    recorder.write();
  });
  return { table, recorder };
}
