import type { Kind } from "../kind.js";
import { CLOCK_KINDS } from "./clock.js";
import { DAMAGE_KINDS } from "./damage.js";
import { DELIVERY_KINDS } from "./deliveries.js";
import { DISK_KINDS } from "./disk.js";
import { LEFTOVER_KINDS } from "./leftovers.js";
import { POWER_CUT_KINDS } from "./power-cut.js";
import { PROCESS_KINDS } from "./process.js";
import { REPLAYED_CUT_KINDS } from "./replayed-cut.js";
import { RESTORE_KINDS } from "./restore.js";
import { UPSTREAM_KINDS } from "./upstream.js";

export const KINDS: Kind[] = [
  ...PROCESS_KINDS,
  ...DELIVERY_KINDS,
  ...DAMAGE_KINDS,
  ...LEFTOVER_KINDS,
  ...RESTORE_KINDS,
  ...UPSTREAM_KINDS,
  ...CLOCK_KINDS,
  ...DISK_KINDS,
  ...POWER_CUT_KINDS,
  ...REPLAYED_CUT_KINDS,
];
