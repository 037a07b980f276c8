import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { countedRepositories, spokenSize } from "../base/units.js";
import { NODE_TABLES } from "../compose/cluster/tables.js";
import { TABLES } from "../compose/tables.js";
import { loadSurroundings } from "../config/load.js";
import { BadBackup, backUp, backupsIn, restoreBackup } from "../store/backup.js";
import { DirectoryTaken } from "../store/database.js";
import { AnswerError } from "./client.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print, printJson } from "./print.js";

/** Commands that read and write DATA_DIR themselves. */
export function addBackupCommands(program: Command): void {
  const json = () => program.opts<{ json?: boolean }>().json ?? false;
  program
    .command("backup <directory>")
    .description("copy the state of DATA_DIR, which is not at GitHub, into a file; also while Lockstep runs")
    .addHelpText(
      "after",
      `
It has repositories, pauses, holds, tokens, deliveries and the queue. It has no mirrors: GitHub has their contents, but
not the commits that forced pushes and deletions have left; back up DATA_DIR's repos for those. It has no keys either.

Example, every hour by cron:
  0 * * * * cd /srv/lockstep && lockstep backup /backup`,
    )
    .action((directory: string) => create(directory, json()));
  program
    .command("restore-backup <path>")
    .description("put a backup in the place of DATA_DIR's state; a directory stands for its newest backup")
    .addHelpText(
      "after",
      `
Lockstep must be stopped. The present state stays in DATA_DIR as lockstep.db.replaced-<time>.

Example:
  sudo systemctl stop lockstep && lockstep restore-backup /backup && sudo systemctl start lockstep`,
    )
    .action((path: string) => restore(path, json()));
}

async function create(directory: string, json: boolean): Promise<void> {
  const backup = await told(() => backUp(dataDirOf(), resolve(directory), new Date()));
  if (json) return printJson(backup);
  const { path, bytes, repositories, keptTips } = backup;
  print(`${path}: ${spokenSize(bytes)}, ${countedRepositories(repositories)}`);
  if (keptTips > 0)
    print(`  ${keptTips} kept tips are named; their commits are in the mirrors, which it does not have`);
}

async function restore(path: string, json: boolean): Promise<void> {
  const dataDir = dataDirOf();
  const [file, replaced] = await told(async () => {
    const chosen = newestOf(resolve(path));
    return [
      chosen,
      await restoreBackup(dataDir, chosen, { tables: [...TABLES, ...NODE_TABLES], now: new Date() }),
    ] as const;
  });
  if (json) return printJson({ file, dataDir, replaced });
  print(`${dataDir} has the state of ${file}`);
  if (replaced) print(`  what it had before is in ${replaced}`);
  print("  start Lockstep: it compares every mirror with GitHub, and clones those that are not there");
}

function newestOf(path: string): string {
  if (!statSync(path).isDirectory()) return path;
  const [newest] = backupsIn(path);
  if (!newest) throw new BadBackup(`${path} has no file lockstep-<time>.db`);
  return newest;
}

function dataDirOf(): string {
  loadEnvFile();
  return loadSurroundings().dataDir;
}

async function told<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof DirectoryTaken)
      throw new AnswerError(
        `a running Lockstep uses ${error.dataDir}`,
        EXIT.failed,
        "stop it, restore the backup, and start it again",
      );
    if (error instanceof BadBackup)
      throw new AnswerError(
        error.message,
        EXIT.failed,
        "set DATA_DIR to Lockstep's data directory, and give the path of the backup",
      );
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new AnswerError(`${path} does not exist`, EXIT.failed);
    throw error;
  }
}
