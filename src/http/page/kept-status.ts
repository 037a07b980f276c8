import { monotonicMs } from "../../base/clock.js";
import type { StatusView } from "../status-view.js";
import { verdictOf } from "../verdict.js";

/** A status of this age is read again, but after those who ask for it were answered. */
const KEPT_MS = 3_000;
/** No page shows a status older than this. */
const OLD_MS = 12_000;
const SOON_MS = 50;

interface Options {
  /** Counts all repositories and finds the oldest proof, which takes some milliseconds when there are 10,000. */
  read(): StatusView;
  /** Called when a later reading says something else. */
  onChange(): void;
  clock?: () => number;
}

/** Keeps the status that every page says in its title. The updates of open pages do not wait until it is read. */
export function keepStatus({ read, onChange, clock = monotonicMs }: Options) {
  let last: { view: StatusView; at: number } | null = null;
  let timer: NodeJS.Timeout | null = null;

  function readNow(): StatusView {
    last = { view: read(), at: clock() };
    return last.view;
  }

  function readSoon(): void {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      const before = last?.view;
      // The next reader meets the failure, and can be told of it.
      last = null;
      try {
        if (before && saidOf(before) !== saidOf(readNow())) onChange();
      } catch {}
    }, SOON_MS).unref();
  }

  return {
    /** @throws what `read` throws */
    status(): StatusView {
      const age = last && clock() - last.at;
      if (!last || age === null || age >= OLD_MS) return readNow();
      if (age >= KEPT_MS) readSoon();
      return last.view;
    },
    /** An operator has changed something, and sees it at once. */
    forget(): void {
      last = null;
    },
  };
}

const saidOf = (status: StatusView): string =>
  JSON.stringify([verdictOf(status), status.repositories, status.attention, status.heldRepositories]);
