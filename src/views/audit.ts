import type { Audit } from "../access/audit.js";
import type { Log } from "../base/log.js";
import { iso } from "../base/units.js";
import type { AuditPorts } from "../http/audit.js";

/** Writes operating actions down, in the database and in the log, and shows them. */
export function createAuditViews(audit: Audit, log: Pick<Log, "info">): AuditPorts {
  return {
    begin: audit.begin,
    end(id, act, result) {
      audit.end(id, result);
      log.info({ event: "operated", ...act, ...result }, "an operator asked for an action");
    },
    page({ limit, after }) {
      const { entries, next } = audit.page({ limit, after });
      return {
        audit: entries.map((entry) => ({ ...entry, at: iso(entry.at) })),
        next,
      };
    },
  };
}
