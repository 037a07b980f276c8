import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../package-root.js";

const FORMAT = /JOB_FORMAT = (\d+)/;

/**
 * Copies the compiled package into an empty directory, as a later version that reads and writes one more form of jobs.
 * @param version the later version's number
 * @throws Error when the program does not say its form of jobs where it did
 */
export function copyAsLaterVersion(dir: string, version: string): void {
  const root = packageRoot();
  for (const part of ["lib", "assets", "app.yml", "package.json"])
    cpSync(join(root, part), join(dir, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  const beat = join(dir, "lib/cluster/beat.js");
  const program = readFileSync(beat, "utf8");
  const format = FORMAT.exec(program)?.[1];
  if (format === undefined) throw new Error(`${beat} has no form of jobs`);
  writeFileSync(beat, program.replace(FORMAT, `JOB_FORMAT = ${Number(format) + 1}`));
  const about = join(dir, "package.json");
  writeFileSync(about, JSON.stringify({ ...JSON.parse(readFileSync(about, "utf8")), version }));
}
