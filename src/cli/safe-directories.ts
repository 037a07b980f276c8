import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { loadSurroundings } from "../config/load.js";
import { createLayout } from "../git/disk/layout.js";
import { AnswerError } from "./client.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print } from "./print.js";

/** git refuses another user's repository unless both its path and the path behind its link are in safe.directory. */
export function addSafeDirectoriesCommand(program: Command): void {
  program
    .command("safe-directories")
    .description(
      "print the part of a git configuration that lets another user clone from every mirror of DATA_DIR",
    )
    .addHelpText(
      "after",
      `
The path behind a mirror's link changes when a damaged mirror is replaced, so write the file again from time to time.

Example, as the user who reads:
  DATA_DIR=/srv/lockstep lockstep safe-directories > ~/.lockstep.gitconfig
  git config --global include.path ~/.lockstep.gitconfig`,
    )
    .action(() => {
      loadEnvFile();
      const paths = mirrorsOf(createLayout(loadSurroundings().dataDir).links);
      print(["[safe]", ...paths.map((path) => `\tdirectory = ${quoted(path)}`)].join("\n"));
    });
}

/** @throws AnswerError when the directory of the mirrors cannot be read */
function mirrorsOf(links: string): string[] {
  const found: string[] = [];
  for (const owner of list(links)) {
    for (const name of list(join(links, owner))) {
      const link = join(links, owner, name);
      found.push(link);
      try {
        found.push(realpathSync(link));
      } catch {
        // The mirror has just been removed, or is not cloned yet.
      }
    }
  }
  return found;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AnswerError(
      `${directory} cannot be read (${code})`,
      EXIT.failed,
      "set DATA_DIR to Lockstep's data directory, and run this as a user who may read it",
    );
  }
}

/** https://git-scm.com/docs/git-config#_syntax */
const quoted = (path: string): string => `"${path.replace(/[\\"]/g, "\\$&")}"`;
