#!/usr/bin/env node
import { Command } from "commander";
import { programVersion } from "./base/version.js";
import { addBackupCommands } from "./cli/backup.js";
import { type ClientOptions, createClient } from "./cli/client.js";
import { addCompletionCommand } from "./cli/completion.js";
import { loadEnvFile } from "./cli/env-file.js";
import { addEventsCommand } from "./cli/events.js";
import { EXIT } from "./cli/exit.js";
import { reportFailure } from "./cli/failure.js";
import { addHistoryCommands } from "./cli/history.js";
import { addInitCommand } from "./cli/init.js";
import { addLocalCommands } from "./cli/local.js";
import { addLogCommands } from "./cli/logs.js";
import { addNodeCommands } from "./cli/nodes.js";
import { addOperateCommands } from "./cli/operate.js";
import { addSafeDirectoriesCommand } from "./cli/safe-directories.js";
import { addShowCommands } from "./cli/show.js";
import { addTestAlertCommand } from "./cli/test-alert.js";
import { addAuditCommand, addTokenCommands } from "./cli/tokens.js";
import { loadClientConfig } from "./config/load.js";

const program = new Command()
  .name("lockstep")
  .description("Keeps server-side Git mirrors in step with GitHub")
  .version(programVersion())
  .option("--url <url>", "the running Lockstep (LOCKSTEP_URL; default http://localhost:3000)")
  .option("--json", "print JSON, as the API gives it")
  .addHelpText(
    "after",
    `
The API's token is read from API_TOKEN, in the environment or in .env; never from the command line.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 Lockstep not reachable, 4 not fresh, 5 not there in time.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));

/** A wrong option or argument leads to the help of its own command. */
function nameOwnHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(see ${path} --help)`);
  for (const one of command.commands) nameOwnHelp(one, `${path} ${one.name()}`);
}

const client = () => {
  loadEnvFile();
  const { url, json } = program.opts<{ url?: string; json?: boolean }>();
  const options: ClientOptions = { ...loadClientConfig(url), json: json ?? false };
  return createClient(options);
};

addLocalCommands(program);
addInitCommand(program);
addTestAlertCommand(program);
addBackupCommands(program);
addShowCommands(program, client);
addLogCommands(program, client);
addOperateCommands(program, client);
addSafeDirectoriesCommand(program);
addNodeCommands(program, client);
addHistoryCommands(program, client);
addEventsCommand(program, client);
addTokenCommands(program, client);
addAuditCommand(program, client);
addCompletionCommand(program, client);
nameOwnHelp(program, "lockstep");

// The reader of a pipe may stop early, as in `lockstep list | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.done);
  throw error;
});

program.parseAsync().catch((error: unknown) => reportFailure(error));
