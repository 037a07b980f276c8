import type { Announcement } from "../base/model.js";

/** Who is told of events, repository by repository in order. */
export interface Consumer {
  /** Its name in the store, which stays the same as long as it is the same consumer. */
  key: string;
  /** Its name for people: no credentials. */
  shown: string;
  /** Repositories at a time. */
  atATime: number;
  /** Into how many calls an event is divided; each is repeated by itself. */
  parts(event: Announcement): number;
  /** @throws NotAccepted */
  deliver(event: Announcement, part: number, signal: AbortSignal): Promise<void>;
}
