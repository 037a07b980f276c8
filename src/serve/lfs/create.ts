import { monotonicMs } from "../../base/clock.js";
import { createSlots } from "../slots.js";
import { createLocations } from "./locations.js";
import type { LfsPorts } from "./ports.js";
import { createQuestionReader } from "./question.js";
import { createTickets } from "./ticket.js";

/** So many questions go to GitHub at a time, and so many downloads; more may wait. */
const LIMITS = { running: 50, waiting: 1_000 };

/** Prepares what requests of Git LFS share. */
export function createLfsPorts(
  { ask, open }: Pick<LfsPorts, "ask" | "open">,
  needs: Pick<LfsPorts, "targetOf" | "timeoutMs"> & Partial<Pick<LfsPorts, "tickets" | "kept">>,
): LfsPorts {
  return {
    tickets: createTickets(monotonicMs),
    kept: null,
    ...needs,
    ask,
    open,
    readQuestion: createQuestionReader(),
    locations: createLocations(monotonicMs),
    asking: createSlots(LIMITS),
    downloading: createSlots(LIMITS),
  };
}
