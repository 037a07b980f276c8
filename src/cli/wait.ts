import type { Client } from "./client.js";
import { withWaitingLine } from "./print.js";

/** Returns `?wait=…` for the API; empty when the wait is zero. */
export const waitQuery = (wait: string): string =>
  /^0+[a-z]*$/.test(wait) ? "" : `?wait=${encodeURIComponent(wait)}`;

/** Shows on a terminal that a call which may take as long as `wait` is still running. */
export const waiting = <T>(
  { json }: Pick<Client, "json">,
  what: string,
  wait: string,
  call: () => Promise<T>,
): Promise<T> =>
  json || waitQuery(wait) === "" ? call() : withWaitingLine(`${what}, at most ${wait}`, call);
