import type { Client } from "./client.js";
import { withWaitingLine } from "./print.js";

/** `?wait=…` of the API; empty for a wait of nothing. */
export const waitQuery = (wait: string): string =>
  /^0+[a-z]*$/.test(wait) ? "" : `?wait=${encodeURIComponent(wait)}`;

/** A call that may take as long as `wait`: people at a terminal see that it goes on. */
export const waiting = <T>(
  { json }: Pick<Client, "json">,
  what: string,
  wait: string,
  call: () => Promise<T>,
): Promise<T> =>
  json || waitQuery(wait) === "" ? call() : withWaitingLine(`${what}, at most ${wait}`, call);
