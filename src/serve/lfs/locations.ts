import { dropOldest } from "../../base/drop-oldest.js";
import type { LfsDownload } from "../../git/transport/lfs.js";
import type { Ticket } from "./ticket.js";

type Place = Pick<LfsDownload, "href" | "header">;

/** Where objects are at GitHub. The places are secret, and stay in memory. */
export interface Locations {
  get(object: Omit<Ticket, "size">): Place | null;
  put(object: Omit<Ticket, "size">, place: Place): void;
  drop(object: Omit<Ticket, "size">): void;
}

const MAX_KEPT = 10_000;
/** GitHub's addresses are valid for longer than this, in milliseconds. */
const KEPT_MS = 5 * 60_000;

/** @param clock monotonic, in milliseconds */
export function createLocations(clock: () => number): Locations {
  const places = new Map<string, Place & { until: number }>();
  const keyOf = ({ repositoryId, oid }: Omit<Ticket, "size">) => `${repositoryId} ${oid}`;
  return {
    get(object) {
      const place = places.get(keyOf(object));
      return place && place.until > clock() ? place : null;
    },
    put(object, { href, header }) {
      places.delete(keyOf(object));
      places.set(keyOf(object), { href, header, until: clock() + KEPT_MS });
      dropOldest(places, MAX_KEPT);
    },
    drop: (object) => void places.delete(keyOf(object)),
  };
}
