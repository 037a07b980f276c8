import completions from "@bomb.sh/tab";
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { fullName } from "../base/names.js";
import type { RepositoryView } from "../http/view.js";
import type { Client } from "./client.js";

/** The library's bash script evaluates typed text and cannot be sourced twice; this script replaces that one. */
const BASH = `# bash completion for lockstep
_lockstep() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    # The last line is a directive.
    [[ $line =~ ^:[0-9]+$ ]] && break
    line=\${line%%$'\\t'*}
    [[ -n $line && $line == "$current"* ]] && COMPREPLY+=("$line")
  done < <(lockstep complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _lockstep lockstep
`;

/** A shell waits for no longer than this, in milliseconds. */
const PATIENCE_MS = 1_000;
const MAX_NAMES = "100";

/** Must be added after all other commands, which it completes. */
export function addCompletionCommand(program: Command, client: () => Client): void {
  tab(program, { completionCommandName: "completion" });
  const find = (name: string) => program.commands.find((command) => command.name() === name);
  find("completion")
    ?.description("print the script that completes commands, options and repositories in bash, zsh or fish")
    .addHelpText("after", "\nExample, in ~/.bashrc:\n  source <(lockstep completion bash)")
    .action((shell: string) => {
      if (shell === "bash") process.stdout.write(BASH);
      else completions.setup(program.name(), program.name(), shell);
    });
  find("complete")?.action(async (words: string[]) => {
    const command = find(words[0] ?? "");
    if (command && words.length > 1) await addNames(command, words.at(-1)!, client);
    completions.parse(words);
  });
}

/** Has the repositories offered that begin with what is typed. The library asks for them when it is too late to wait. */
async function addNames(command: Command, typed: string, client: () => Client): Promise<void> {
  const argument = command.registeredArguments.find((one) => one.name().startsWith("owner/name"));
  if (!argument || typed.startsWith("-")) return;
  const names = await namesLike(typed, client);
  const offer = (complete: (name: string, description: string) => void) => {
    for (const name of names) complete(name, "");
  };
  completions.commands.get(command.name())?.argument(argument.name(), offer, argument.variadic);
}

/** @returns nothing, too, when Lockstep does not answer at once */
async function namesLike(typed: string, client: () => Client): Promise<string[]> {
  const query = new URLSearchParams({ name: `${typed.replace(/[*?]/g, "")}*`, limit: MAX_NAMES });
  const asked = async () => {
    const { body } = await client().ask<{ repositories: RepositoryView[] }>("GET", `/api/v1/repos?${query}`);
    return body.repositories.map(fullName);
  };
  const tooLate = new Promise<string[]>((resolve) => {
    setTimeout(resolve, PATIENCE_MS, []).unref();
  });
  return Promise.race([asked().catch(() => []), tooLate]);
}
