import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { AnswerError } from "./client.js";
import { EXIT } from "./exit.js";

/** The stand-in of GitHub is not part of the server; the tests use it too. */
const DEMO = new URL("../../.build/tools/demo.js", import.meta.url);

/** Commands that need no running server. Their modules load slowly, so they are imported only when needed. */
export function addLocalCommands(program: Command): void {
  const json = () => program.opts<{ json?: boolean }>().json ?? false;
  program
    .command("start")
    .description("run Lockstep; without APP_ID it serves the page that registers the App")
    .addHelpText("after", "\nExample:\n  HOST=0.0.0.0 lockstep start")
    .action(async () => (await import("./start.js")).startServer());
  program
    .command("sync")
    .description("bring every repository into step without a server; exits 4 if one is not fresh")
    .requiredOption("--once", "run one pass over everything, then exit")
    .addHelpText(
      "after",
      "\nExample, every ten minutes by cron:\n  */10 * * * * cd /srv/lockstep && lockstep sync --once",
    )
    .action(async () => (await import("./sync.js")).syncOnce(json()));
  program
    .command("doctor")
    .description("check everything Lockstep needs, here and at GitHub; exits 1 if a check fails")
    .addHelpText("after", "\nExample:\n  lockstep doctor")
    .action(async () => (await import("./doctor.js")).examine(json()));
  program
    .command("demo [repository]")
    .description("run Lockstep against a stand-in for GitHub on loopback, with a copy of your repository")
    .option("--keep", "then go on, with a push every few seconds, and say where the page is, until Ctrl-C")
    .addHelpText("after", "\nExamples:\n  lockstep demo ~/src/my-repository\n  lockstep demo --keep")
    .action(async (repository: string | undefined, { keep }: { keep?: boolean }) => {
      if (!existsSync(DEMO))
        throw new AnswerError("the demo is not built", EXIT.failed, "npm run build:tools");
      const given = [...(keep ? ["--keep"] : []), ...(repository ? [repository] : [])];
      process.argv = [process.execPath, fileURLToPath(DEMO), ...given];
      await import(DEMO.href);
    });
}
