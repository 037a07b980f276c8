import type { Announcement } from "../base/model.js";

/** A receiver of events, which gets them in order for each repository. */
export interface Consumer {
  /** The consumer's name in the store, which stays the same across restarts. */
  key: string;
  /** The consumer's name for people; the text contains no credentials. */
  shown: string;
  /** The number of repositories that are announced at a time. */
  atATime: number;
  /** Whether every node that has a repository reaches this consumer, so that one of them is enough to tell it. */
  isShared: boolean;
  /** Returns the number of calls for an event; each call is retried separately. */
  parts(event: Announcement): number;
  /** @throws NotAccepted when the consumer did not accept the part */
  deliver(event: Announcement, part: number, signal: AbortSignal): Promise<void>;
}
