import { existsSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatSize } from "../base/units.js";
import { FLOOR } from "../machine/disk.js";
import { nearestParent } from "./data-dir.js";
import { type Finding, fail, ok, warn } from "./finding.js";
import type { Surroundings } from "./machine.js";

const OTHERS = 0o007;
const GROUP = 0o070;
const FEW_INODES = 0.05;

/** Files with secrets must be accessible to their owner only. */
export function checkSecrets({ privateKeyPath, dataDir }: Surroundings): Finding[] {
  const files: [string, string][] = [
    [".env", ".env"],
    ["private key", privateKeyPath ?? ""],
    ["database", join(dataDir, "lockstep.db")],
  ];
  return files
    .filter(([, file]) => file !== "" && existsSync(file))
    .map(([about, file]) => checkSecret(about, file));
}

function checkSecret(about: string, file: string): Finding {
  const { mode } = statSync(file);
  const shown = `${file} has mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;
  const remedy = `chmod 600 ${file}`;
  if (mode & OTHERS) return fail(about, `${shown}: every user of this machine can read it`, remedy);
  return mode & GROUP ? warn(about, `${shown}: its group can read it`, remedy) : ok(about, shown);
}

/** @param minFree MIN_FREE_DISK in bytes */
export function checkDisk({ dataDir }: Surroundings, minFree: number): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(nearestParent(dataDir));
  const free = bavail * bsize;
  const unit = free > 2 ** 33 ? 2 ** 30 : 2 ** 20;
  const shown = `${formatSize(Math.floor(free / unit) * unit)} free`;
  const remedy = "free some space, or move DATA_DIR to another disk (docs/operations.md)";
  if (free < FLOOR.bytes || (files > 0 && ffree < FLOOR.files)) {
    const least = `${formatSize(FLOOR.bytes)} or ${FLOOR.files} inodes`;
    return fail(
      "disk",
      `${shown}, ${files > 0 ? ffree : "any number of"} inodes: nothing runs below ${least}`,
      remedy,
    );
  }
  if (free < minFree) return fail("disk", `${shown}: nothing is cloned below MIN_FREE_DISK`, remedy);
  if (files > 0 && ffree / files < FEW_INODES) return warn("disk", `${shown}, but few inodes are`, remedy);
  return free < 2 * minFree ? warn("disk", `${shown}, close to MIN_FREE_DISK`, remedy) : ok("disk", shown);
}
