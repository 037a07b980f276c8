import completions from "@bomb.sh/tab";
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

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

/** Must be added after all other commands, which it completes. */
export function addCompletionCommand(program: Command): void {
  tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")
    ?.description("print the script that completes commands and options in bash, zsh or fish")
    .addHelpText("after", "\nExample, in ~/.bashrc:\n  source <(lockstep completion bash)")
    .action((shell: string) => {
      if (shell === "bash") process.stdout.write(BASH);
      else completions.setup(program.name(), program.name(), shell);
    });
}
