import { RefreshError } from "../base/errors.js";
import { formatSize } from "../base/units.js";
import type { Free, Meter } from "./file-systems.js";
import { RESERVE_BYTES } from "./reserve.js";

/** Below this floor nothing is fetched and nothing is published, whatever MIN_FREE_DISK is. */
export const FLOOR = { bytes: 256 * 2 ** 20, files: 10_000 } as const;

/** What is written: a `refresh` brings a mirror in step, a `publish` its trees. */
export const WORKS = ["refresh", "publish"] as const;
export type Work = (typeof WORKS)[number];

/** The directories that may each be on a file system of its own. */
export interface Places {
  database: string;
  mirrors: string;
  links: string;
  checkouts: string;
}

const WRITES: Record<Work, readonly (keyof Places)[]> = {
  refresh: ["database", "mirrors", "links"],
  publish: ["database", "mirrors", "checkouts"],
};

/** A file system on which the floor is crossed. */
export interface Full {
  path: string;
  lacks: "space" | "files";
  freeBytes: number;
  /** The floor, and what the reserve still lacks. */
  neededBytes: number;
  /** Null: the file system has no fixed number of files. */
  freeFiles: number | null;
  /** What does not run for want of it. */
  stops: Work[];
}

export interface DiskState {
  /** How much Lockstep's user may still write where the mirrors are, in bytes. */
  freeBytes: number;
  /** How much that file system has in all, in bytes. */
  totalBytes: number;
  /** Whether less is free than MIN_FREE_DISK. */
  low: boolean;
  /** The first file system on which the floor is crossed; null: there is room on each. */
  full: Full | null;
  /** Whether the space that is kept for the database is there. */
  hasReserve: boolean;
}

export interface Disk {
  /** Asks the file systems, which `state` and the checks below never do: one that hangs would hold everything up. */
  measure(): Promise<void>;
  state(): DiskState;
  /** Returns the file system whose floor is crossed and that the work writes to; null: there is none. */
  fullFor(work: Work): Full | null;
  hasRoom(work: Work): boolean;
  /** Nothing may begin until the act has ended. */
  closedWhile<T>(act: () => Promise<T>): Promise<T>;
  /** @throws RefreshError `disk_full` when the work may not begin */
  requireRoom(work: Work): void;
  /** Whether the database's file system has less space than its floor. Its files are made when it is opened. */
  lacksSpaceForDatabase(): boolean;
  /** Returns how far the nearest floor is, in bytes and files. */
  distance(): { bytes: number; files: number };
  /**
   * Checks the space before a clone, a rebuild, or so many bytes. @param largest what needs the most of the
   * bytes @throws RefreshError `disk_low`, `disk_full`
   */
  requireSpace(bytes?: number, largest?: string): void;
}

interface Options {
  places: Places;
  /** Knows what is free at each place. */
  meter: Meter<keyof Places>;
  /** Bytes; 0: the floor alone counts. */
  minFree: number;
  /** Returns how much of the reserve is on disk, in bytes. */
  reserved(): number;
}

/** A clone that found too little space is tried again after this time. */
const AGAIN_MS = 30_000;

/** The first `measure` must have ended before anything else is called. */
export function createDisk({ places, meter, minFree, reserved }: Options): Disk {
  /** The reserve is made again before anything else is written. */
  function neededAt({ device }: Free): number {
    const isBesideReserve = device === meter.get("database")?.device;
    return FLOOR.bytes + (isBesideReserve ? RESERVE_BYTES - reserved() : 0);
  }

  function fullAt(place: keyof Places): Full | null {
    const free = meter.get(place);
    const lacks = free ? lackOf(free, neededAt(free)) : null;
    if (!free || lacks === null) return null;
    const stops = WORKS.filter((work) => WRITES[work].includes(place));
    const { bytes: freeBytes, files: freeFiles } = free;
    return { path: places[place], lacks, freeBytes, freeFiles, neededBytes: neededAt(free), stops };
  }

  const firstFull = (among: readonly (keyof Places)[]): Full | null =>
    among.reduce<Full | null>((found, place) => found ?? fullAt(place), null);
  const fullFor = (work: Work) => firstFull(WRITES[work]);
  const freeBytes = () => meter.get("mirrors")?.bytes ?? 0;
  const all = Object.keys(places) as (keyof Places)[];

  let closed = 0;

  return {
    measure: meter.measure,
    fullFor,
    hasRoom: (work) => closed === 0 && fullFor(work) === null,
    async closedWhile(act) {
      closed += 1;
      try {
        return await act();
      } finally {
        closed -= 1;
      }
    },
    requireRoom(work) {
      const full = fullFor(work);
      if (full) throw fullError(full);
      if (closed > 0) throw new RefreshError("disk_full", "the full disk is being cleared");
    },
    lacksSpaceForDatabase: () => fullAt("database")?.lacks === "space",
    state: () => ({
      freeBytes: freeBytes(),
      totalBytes: meter.get("mirrors")?.totalBytes ?? 0,
      low: meter.get("mirrors") !== undefined && freeBytes() < minFree,
      full: firstFull(all),
      hasReserve: reserved() === RESERVE_BYTES,
    }),
    distance() {
      const known = all.flatMap((place) => meter.get(place) ?? []);
      return {
        bytes: Math.min(...known.map((free) => free.bytes - neededAt(free))),
        files: Math.min(...known.flatMap(({ files }) => files ?? [])) - FLOOR.files,
      };
    },
    requireSpace(bytes = 0, largest) {
      const full = fullAt("mirrors");
      if (full) throw fullError(full);
      const least = Math.max(minFree, FLOOR.bytes);
      // Nothing is known of a file system that does not answer.
      if (!meter.get("mirrors") || freeBytes() - bytes >= least) return;
      const most = largest ? `, the most for ${largest}` : "";
      const wanted = bytes === 0 ? "" : `, ${Math.ceil(bytes / 2 ** 20)}MiB are to be written${most}`;
      const limit =
        minFree < FLOOR.bytes
          ? `${formatSize(least)} always stay free`
          : `MIN_FREE_DISK is ${formatSize(minFree)}`;
      throw new RefreshError("disk_low", `${inMiB(freeBytes())} free${wanted}, ${limit}`, {
        retryAfterMs: AGAIN_MS,
      });
    },
  };
}

function lackOf({ bytes, files }: Free, neededBytes: number): Full["lacks"] | null {
  if (bytes < neededBytes) return "space";
  return files !== null && files < FLOOR.files ? "files" : null;
}

const inMiB = (bytes: number): string => formatSize(Math.floor(bytes / 2 ** 20) * 2 ** 20);

/** Says what is left on the file system of a path, and what is needed. */
export function describeFull({ path, lacks, freeBytes, neededBytes, freeFiles }: Full): string {
  const left =
    lacks === "space"
      ? `${inMiB(freeBytes)} are free, and at least ${inMiB(neededBytes)} are needed`
      : `${freeFiles} further files can be made, and at least ${FLOOR.files} are needed`;
  return `on the disk of ${path} ${left}`;
}

export const fullError = (full: Full): RefreshError => new RefreshError("disk_full", describeFull(full));
