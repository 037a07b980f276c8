import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** After all others: it completes what is there. */
export function addCompletionCommand(program: Command): void {
  tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")
    ?.description("print the script that completes commands and options in bash, zsh or fish")
    .addHelpText("after", "\nExample, in ~/.bashrc:\n  source <(lockstep completion bash)");
}
