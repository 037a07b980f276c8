import type { Command } from "commander";
import { AnswerError } from "./client.js";
import { EXIT } from "./exit.js";

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
      "\nExample, every ten minutes by cron:\n  */10 * * * * cd /srv/lockstep && npx lockstep sync --once",
    )
    .action(async () => (await import("./sync.js")).syncOnce(json()));
  program
    .command("doctor")
    .description("look at all that Lockstep needs, here and at GitHub; exit code 1 when something fails")
    .addHelpText("after", "\nExample:\n  lockstep doctor")
    .action(async () => (await import("./doctor.js")).examine(json()));
  program
    .command("demo")
    .description("see it work against a stand-in for GitHub; in a clone of Lockstep only")
    .addHelpText("after", "\nExample, in a clone:\n  npm run demo -- ~/src/my-repository")
    .action(() => {
      throw new AnswerError(
        "the demo plays GitHub with the code of Lockstep's tests, which the package does not carry",
        EXIT.failed,
        "git clone https://github.com/lockstep-app/lockstep.git && cd lockstep && npm ci && npm run demo",
      );
    });
}
