import { join } from "node:path";
import type { Config } from "../config/load.js";
import { createLayout, emptyTrash } from "../git/disk/layout.js";
import { createDisk, type Places } from "../machine/disk.js";
import { createMeter } from "../machine/file-systems.js";
import { createReserve } from "../machine/reserve.js";

/** A start writes less than this before the disk is looked at again, in bytes. */
const START_BYTES = 16 * 2 ** 20;

const placesIn = (dataDir: string): Places => ({
  database: dataDir,
  mirrors: join(dataDir, "repos"),
  links: join(dataDir, "mirrors"),
  checkouts: join(dataDir, "checkouts"),
});

/**
 * Measures the disk before the database is opened. Nothing runs yet, so where a start cannot write, the trash is
 * emptied and the reserve given back at once.
 */
export async function openDisk({ dataDir, minFreeDisk }: Pick<Config, "dataDir" | "minFreeDisk">) {
  const reserve = createReserve(join(dataDir, "reserve"));
  const places = placesIn(dataDir);
  const meter = createMeter<keyof Places>({ ...places });
  const disk = createDisk({ places, meter, minFree: minFreeDisk, reserved: reserve.bytes });
  await disk.measure();
  const full = disk.lacksSpaceForDatabase() ? disk.state().full : null;
  if (full && full.freeBytes < START_BYTES) {
    await emptyTrash(createLayout(dataDir));
    await reserve.release();
    await disk.measure();
  }
  return { disk, reserve };
}
