interface QuietTime {
  /** In minutes since midnight. */
  from: number;
  to: number;
}

/** Whether one of the times of day has come, by the clock of the server's time zone. @param now milliseconds since 1970 */
export function isQuiet(times: readonly QuietTime[], now: number): boolean {
  const date = new Date(now);
  const minute = date.getHours() * 60 + date.getMinutes();
  return times.some(({ from, to }) =>
    from <= to ? minute >= from && minute < to : minute >= from || minute < to,
  );
}
