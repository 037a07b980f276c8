import type { Crowd } from "../crowd.js";
import { IDLE_STREAMS } from "./idle-streams.js";
import { SLOW_CLIENTS } from "./slow-clients.js";
import { WAITERS } from "./waiters.js";

/** Every kind of clients that stay. */
export const CROWDS: Crowd[] = [IDLE_STREAMS, WAITERS, SLOW_CLIENTS];
