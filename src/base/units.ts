const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/**
 * Reads a duration such as `500ms`, `30s`, `5m`, `24h` or `7d`.
 * @returns whole milliseconds; null for anything else. A number without a unit gives null too, since its unit
 * could be seconds or milliseconds.
 */
export const parseDuration = (text: string): number | null => parseQuantity(text, DURATIONS);

/**
 * Reads a size such as `512MiB`; units are B, KiB, MiB, GiB and TiB.
 * @returns whole bytes; null for anything else, `512` and `512MB` included.
 */
export const parseSize = (text: string): number | null => parseQuantity(text, SIZES);

/** Writes whole milliseconds in the largest unit that loses nothing: 90_000 → `90s`. */
export const formatDuration = (ms: number): string => formatQuantity(ms, DURATIONS);

/** Writes whole bytes in the largest unit that loses nothing: 1_536 → `1536B`, 2_048 → `2KiB`. */
export const formatSize = (bytes: number): string => formatQuantity(bytes, SIZES);

/** A time as ISO 8601 in UTC. @param ms since 1970; null stays null */
export function iso(ms: number): string;
export function iso(ms: number | null): string | null;
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d+)([a-z]+)$/i.exec(text);
  const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!]! : null;
  if (!match || unit === null) return null;
  const value = Number(match[1]) * unit;
  return Number.isSafeInteger(value) ? value : null;
}

function formatQuantity(value: number, units: Readonly<Record<string, number>>): string {
  const [name, unit] = Object.entries(units)
    .reverse()
    .find(([, size]) => value % size === 0 && value >= size) ?? [Object.keys(units)[0]!, 1];
  return `${value / unit}${name}`;
}

const SPOKEN = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** Formats a duration for a reader: 90_000 → `2 min`, 1_400 → `1.4 s`. */
export function duration(ms: number): string {
  const [size, unit] = SPOKEN.find(([one]) => ms >= 2 * one) ?? SPOKEN[3];
  if (unit === "s" && ms < 10_000)
    return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / size)} ${unit}`;
}

/** Formats an age for a reader, in whole seconds: 1_400 → `1 s`, 90_000 → `90 s`. */
export function spokenAge(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return seconds < 10 ? `${seconds} s` : duration(seconds * 1_000);
}

/** Formats for a reader the time within which something happened, which is never too short: 984 → `1 s`. */
export const spokenAtMost = (ms: number): string => spokenAge(Math.ceil(ms / 1_000) * 1_000);

/** The unit, in milliseconds, in which `duration` speaks of a duration. */
export const durationUnit = (ms: number): number =>
  ms < 1_000 ? 1 : (SPOKEN.find(([one]) => ms >= 2 * one) ?? SPOKEN[3])[0];

/** The unit, in bytes, in which `spokenSize` speaks of a size. */
export const sizeUnit = (bytes: number): number =>
  Object.values(SIZES)
    .reverse()
    .find((one) => bytes >= one) ?? 1;

/** Formats a size for a reader: 2_147_483_648 → `2.0 GiB`. */
export function spokenSize(bytes: number): string {
  const units = Object.entries(SIZES).reverse();
  const [unit, size] = units.find(([, one]) => bytes >= one) ?? ["B", 1];
  return `${(bytes / size).toFixed(size === 1 ? 0 : 1)} ${unit}`;
}

/** Counts things for a reader: `1 repository`, `10,000 repositories`. */
export const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export const countedRepositories = (count: number): string => counted(count, "repository", "repositories");
