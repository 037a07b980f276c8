import type { Kind } from "../kind.js";
import { DAMAGE_KINDS } from "./damage.js";
import { DELIVERY_KINDS } from "./deliveries.js";
import { PROCESS_KINDS } from "./process.js";

export const KINDS: Kind[] = [...PROCESS_KINDS, ...DELIVERY_KINDS, ...DAMAGE_KINDS];
