import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatSize } from "../base/units.js";
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

export function checkDataDir({ dataDir }: Surroundings): Finding {
  if (!existsSync(dataDir)) {
    const parent = nearestParent(dataDir);
    return isWritable(parent)
      ? ok("DATA_DIR", `${dataDir} will be created at the first start`)
      : fail(
          "DATA_DIR",
          `${parent} cannot be written`,
          "run as the user that owns it, or choose another DATA_DIR",
        );
  }
  if (!statSync(dataDir).isDirectory())
    return fail("DATA_DIR", `${dataDir} is not a directory`, "move it away, or choose another DATA_DIR");
  if (!isWritable(dataDir))
    return fail(
      "DATA_DIR",
      `${dataDir} cannot be written`,
      "run as the user that owns it, or change its owner",
    );
  if (statSync(dataDir).mode & OTHERS)
    return warn("DATA_DIR", `every user of this machine can read ${dataDir}`, `chmod o= ${dataDir}`);
  return ok("DATA_DIR", dataDir);
}

/** @param minFree MIN_FREE_DISK in bytes */
export function checkDisk({ dataDir }: Surroundings, minFree: number): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(nearestParent(dataDir));
  const free = bavail * bsize;
  const unit = free > 2 ** 33 ? 2 ** 30 : 2 ** 20;
  const shown = `${formatSize(Math.floor(free / unit) * unit)} free`;
  const remedy = "free some space, or move DATA_DIR to another disk (docs/operations.md)";
  if (free < minFree) return fail("disk", `${shown}: nothing is cloned below MIN_FREE_DISK`, remedy);
  if (files > 0 && ffree / files < FEW_INODES) return warn("disk", `${shown}, but few inodes are`, remedy);
  return free < 2 * minFree ? warn("disk", `${shown}, close to MIN_FREE_DISK`, remedy) : ok("disk", shown);
}

const nearestParent = (path: string): string => (existsSync(path) ? path : nearestParent(dirname(path)));

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
