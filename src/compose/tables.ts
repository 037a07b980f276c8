import { AUDIT_TABLES } from "../access/audit.js";
import { TOKEN_TABLES } from "../access/tokens.js";
import { BACKLOG_TABLES } from "../announce/backlog.js";
import { OUTBOX_TABLES } from "../announce/outbox-sql.js";
import { CHECKOUT_TABLES } from "../checkouts/ledger.js";
import { DELIVERY_TABLES } from "../deliveries/log.js";
import { LFS_TABLES } from "../lfs/records.js";
import { MAINTENANCE_TABLES } from "../maintenance/log.js";
import { QUEUE_TABLES } from "../queue/tables.js";
import { HOLD_TABLES } from "../refresh/holds.js";
import { REFRESH_TABLES } from "../refresh/log.js";
import { REFUSED_REF_TABLES } from "../refresh/refused-refs.js";
import { BOOT_CHECK_TABLES } from "../registry/boot-checks.js";
import { INSTALLATION_TABLES } from "../registry/installations.js";
import { KEPT_TIP_TABLES } from "../registry/kept-tips.js";
import { REGISTRY_TABLES } from "../registry/tables.js";
import { FACT_TABLES } from "../store/facts.js";
import { TREND_TABLES } from "../trends/table.js";

/**
 * Every table of the store. Registry comes before installations, whose first migration reads the registry's
 * first table.
 */
export const TABLES = [
  QUEUE_TABLES,
  REGISTRY_TABLES,
  DELIVERY_TABLES,
  FACT_TABLES,
  INSTALLATION_TABLES,
  HOLD_TABLES,
  MAINTENANCE_TABLES,
  OUTBOX_TABLES,
  BACKLOG_TABLES,
  CHECKOUT_TABLES,
  REFRESH_TABLES,
  REFUSED_REF_TABLES,
  KEPT_TIP_TABLES,
  BOOT_CHECK_TABLES,
  TOKEN_TABLES,
  AUDIT_TABLES,
  TREND_TABLES,
  LFS_TABLES,
];
