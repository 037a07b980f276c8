/** How often each lag occurred: the number of a bucket → how many lags were in it. */
export type Lags = Map<number, number>;

/** Each bucket is 8 % wider than the one before, so a percentile is wrong by 4 % at most. */
const STEP = Math.log(1.08);
/** The last bucket begins at some 120 days, so one row has at most this many numbers. */
const LAST = 300;

/** @param ms a lag, in milliseconds */
export function addLag(lags: Lags, ms: number): void {
  const bucket = ms <= 1 ? 0 : Math.min(LAST, Math.round(Math.log(ms) / STEP));
  lags.set(bucket, (lags.get(bucket) ?? 0) + 1);
}

/** Adds what `more` has to `lags`. */
export function mergeLags(lags: Lags, more: Lags): void {
  for (const [bucket, count] of more) lags.set(bucket, (lags.get(bucket) ?? 0) + count);
}

/** @param share such as 0.95 @returns the lag that so many were not above, in milliseconds; null: there is none */
export function percentile(lags: Lags, share: number): number | null {
  const sum = [...lags.values()].reduce((a, b) => a + b, 0);
  let left = Math.max(1, Math.ceil(sum * share));
  for (const [bucket, count] of [...lags].sort(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return Math.round(Math.exp(bucket * STEP));
  }
  return null;
}

/** Writes lags as `<bucket>:<count>` with spaces between. */
export const lagsToText = (lags: Lags): string => [...lags].map((pair) => pair.join(":")).join(" ");

/** Reads what `lagsToText` wrote; what is malformed is left out. */
export function lagsFromText(text: string): Lags {
  const lags: Lags = new Map();
  for (const [, bucket, count] of text.matchAll(/(\d+):(\d+)/g)) lags.set(Number(bucket), Number(count));
  return lags;
}
