import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { AnswerError } from "./client.js";
import { EXIT } from "./exit.js";

/** No part of the server: the stand-in that the tests use too. */
const DEMO = new URL("../../.build/tools/demo.js", import.meta.url);

/** Commands that need no running Lockstep. What they load takes a moment, which the others need not wait for. */
export function addLocalCommands(program: Command): void {
  const json = () => program.opts<{ json?: boolean }>().json ?? false;
  program
    .command("start")
    .description("run Lockstep; without APP_ID it serves the page that registers the App")
    .addHelpText("after", "\nExample:\n  HOST=0.0.0.0 lockstep start")
    .action(async () => (await import("./start.js")).startServer());
  program
    .command("sync")
    .description("bring everything in step without a server; exit code 4 when something is not fresh")
    .requiredOption("--once", "one pass over everything, then end")
    .addHelpText(
      "after",
      "\nExample, every ten minutes by cron:\n  */10 * * * * cd /srv/lockstep && lockstep sync --once",
    )
    .action(async () => (await import("./sync.js")).syncOnce(json()));
  program
    .command("doctor")
    .description("look at all that Lockstep needs, here and at GitHub; exit code 1 when something fails")
    .addHelpText("after", "\nExample:\n  lockstep doctor")
    .action(async () => (await import("./doctor.js")).examine(json()));
  program
    .command("demo [repository]")
    .description(
      "see it work against a stand-in for GitHub on loopback, with a copy of a repository of yours",
    )
    .addHelpText("after", "\nExample:\n  lockstep demo ~/src/my-repository")
    .action(async (repository?: string) => {
      if (!existsSync(DEMO))
        throw new AnswerError("the demo is not built", EXIT.failed, "npm run build:tools");
      process.argv = [process.execPath, fileURLToPath(DEMO), ...(repository ? [repository] : [])];
      await import(DEMO.href);
    });
}
