import { describe } from "../alerts/condition.js";
import { createNotifier } from "../alerts/notifier.js";
import { steadyNow } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import type { StatusView } from "../http/status-view.js";
import type { Facts } from "../store/facts.js";

interface Needs {
  log: Log;
  facts: Facts;
  status(): StatusView;
  releasers: Releasers;
}

/** @returns what starts the alerts; without ALERT_URL it does nothing */
export function openAlerts(
  { alerts: settings, publicUrl }: Pick<Config, "alerts" | "publicUrl">,
  { log, facts, status, releasers }: Needs,
): () => void {
  if (!settings) return () => {};
  const alerts = createNotifier(settings, {
    facts,
    condition: () => describe(status(), publicUrl),
    now: steadyNow,
    log,
  });
  releasers.add("alerts", alerts.stop);
  return alerts.start;
}
