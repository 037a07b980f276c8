import { monotonicMs } from "../../base/clock.js";
import type { StatusView } from "../status-view.js";
import { verdictOf } from "../verdict.js";

/** A status of this age is read again, but after those who ask for it were answered. */
const KEPT_MS = 3_000;
/** No page shows a status older than this. */
const OLD_MS = 12_000;
const SOON_MS = 50;

interface Options {
  /**
   * Counts all repositories and finds the oldest proof, which takes some milliseconds when there are 10,000. In a cluster
   * other nodes are asked, too.
   */
  read(): StatusView | Promise<StatusView>;
  /** Called when a later reading says something else. */
  onChange(): void;
  clock?: () => number;
}

/** Keeps the status that every page says in its title. The updates of open pages do not wait until it is read. */
export function keepStatus({ read, onChange, clock = monotonicMs }: Options) {
  let last: { view: StatusView; at: number } | null = null;
  let reading: Promise<StatusView> | null = null;
  let timer: NodeJS.Timeout | null = null;
  /** How often an operator has changed something: what was read before that is not kept. */
  let changes = 0;

  async function readOnce(): Promise<StatusView> {
    const [at, before] = [clock(), changes];
    const view = await read();
    if (before === changes) last = { view, at };
    return view;
  }

  /** However many ask, there is one reading at a time. */
  function readNow(): Promise<StatusView> {
    if (reading) return reading;
    const own = readOnce().finally(() => {
      if (reading === own) reading = null;
    });
    reading = own;
    return own;
  }

  function readSoon(): void {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      const before = last?.view;
      readNow().then(
        (view) => {
          if (before && saidOf(before) !== saidOf(view)) onChange();
        },
        // The next reader meets the failure, and can be told of it.
        () => {
          last = null;
        },
      );
    }, SOON_MS).unref();
  }

  return {
    /** @throws what `read` throws */
    async status(): Promise<StatusView> {
      const age = last && clock() - last.at;
      if (!last || age === null || age >= OLD_MS) return readNow();
      if (age >= KEPT_MS) readSoon();
      return last.view;
    },
    /** An operator has changed something, and sees it at once. */
    forget(): void {
      changes++;
      last = null;
      reading = null;
    },
  };
}

const saidOf = (status: StatusView): string =>
  JSON.stringify([verdictOf(status), status.repositories, status.attention, status.heldRepositories]);
