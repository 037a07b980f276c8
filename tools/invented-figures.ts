import Database from "libsql";
import { Random } from "./random.js";

/** Writes a day's and a week's figures, which a run of some seconds cannot have. @param file the database */
export function inventFigures(file: string): void {
  const db = new Database(file, { timeout: 5_000 });
  const put = db.prepare("INSERT OR REPLACE INTO trends VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)");
  const source = new Random(7);
  const random = () => source.next();
  for (const [scale, ms, count] of [
    ["minute", 60_000, 1_440],
    ["hour", 3_600_000, 168],
  ] as const) {
    const now = Math.floor(Date.now() / ms) * ms;
    db.exec("BEGIN");
    for (let n = 1; n < count; n++) {
      const pushes = Math.round(random() * (ms / 30_000));
      const failures = random() > 0.97 ? 1 : 0;
      // Bucket 48 is 40 ms, bucket 60 is 101 ms.
      const lags = `${47 + Math.round(random() * 4)}:${pushes} ${58 + Math.round(random() * 14)}:${pushes >> 3}`;
      const free = (77 + n / count) * 2 ** 30;
      const figures = [pushes, pushes + 1, failures, lags, Math.round(random() * 3)];
      put.run(scale, now - n * ms, ...figures, 120_000 + random() * 120_000, 0.8 + random() * 0.1, free);
    }
    db.exec("COMMIT");
  }
  db.close();
}
