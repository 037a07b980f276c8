import { monotonicMs } from "../../base/clock.js";
import { nextTurn } from "../../base/slices.js";

/** So long all readers together are given bytes before other work runs, in milliseconds. */
const SLICE_MS = 5;
/** So many pieces at most, of up to 256 KiB: what is taken in no time is written later, in one go. */
const PIECES = 8;

/**
 * Readers whose connections take what they are given, as a near network does, would be served from memory one after the
 * other without a turn of the event loop. @returns what resolves when a reader may be given its next piece
 */
export function createPace(clock: () => number = monotonicMs): () => Promise<void> {
  let began = 0;
  let given = 0;
  let turn: Promise<void> | null = null;
  return async () => {
    for (;;) {
      if (turn === null) {
        began = clock();
        given = 1;
        turn = nextTurn().then(() => {
          turn = null;
        });
        return;
      }
      if (given < PIECES && clock() - began < SLICE_MS) {
        given += 1;
        return;
      }
      await turn;
    }
  };
}
