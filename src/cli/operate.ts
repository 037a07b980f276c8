import type { Command } from "commander";
import { countedRepositories } from "../base/units.js";
import type { RepositoryView } from "../http/view.js";
import { AnswerError, type Client, repositoryPath } from "./client.js";
import { EXIT } from "./exit.js";
import { reportFailure } from "./failure.js";
import { addFilter, type Filter, queryOf } from "./filter.js";
import { print, printJson } from "./print.js";
import { waiting, waitQuery } from "./wait.js";

type Act = (client: Client, fullName: string) => Promise<void>;

/** Commands that request a change. */
export function addOperateCommands(program: Command, client: () => Client): void {
  withMany(
    program
      .command("refresh [owner/name...]")
      .description("compare every ref of repositories with GitHub")
      .option("--wait <duration>", "how long to wait for the refresh, such as 30s; 0s does not wait", "60s"),
  )
    .addHelpText(
      "after",
      `
With --all, --state or --name it asks for the refreshes and does not wait; paused repositories are left out.

Examples:
  lockstep refresh acme/app --wait 2m
  lockstep refresh --state failing
  lockstep refresh --all`,
    )
    .action(async (fullNames: string[], { wait, ...many }: Many & { wait: string }) => {
      if (isOfMany(fullNames, many)) await several(client(), "refresh", many, "asked for a refresh of");
      else await each(fullNames, (fullName) => refresh(client(), fullName, wait));
    });
  program
    .command("pause <owner/name...>")
    .description("stop refreshing a repository until it is resumed")
    .addHelpText("after", "\nExample:\n  lockstep pause acme/app acme/site")
    .action((fullNames: string[]) => each(fullNames, (name) => post("pause", "paused")(client(), name)));
  withMany(
    program.command("resume [owner/name...]").description("resume paused repositories and refresh them"),
  )
    .addHelpText("after", "\nExamples:\n  lockstep resume acme/app acme/site\n  lockstep resume --all")
    .action(async (fullNames: string[], many: Many) => {
      if (isOfMany(fullNames, many)) await several(client(), "resume", many, "resumed");
      else await each(fullNames, (name) => post("resume", "resumed")(client(), name));
    });
  program
    .command("pass")
    .description("begin a pass of the backstop now, which finds what no delivery has reported")
    .addHelpText("after", "\nExample:\n  lockstep pass")
    .action(async () => {
      const { body } = await client().ask<{ begun: boolean }>("POST", "/api/v1/pass");
      if (client().json) printJson(body);
      else print(body.begun ? "a pass has begun" : "a pass goes on; another one follows it");
    });
  program
    .command("wait <owner/name@sha>")
    .description("wait until a commit is reachable in the mirror; exits 5 if it is not there in time")
    .option("--timeout <duration>", "how long to wait at most", "60s")
    .option("--checkout", "wait for the published working tree instead")
    .addHelpText("after", "\nExample:\n  lockstep wait acme/app@$GITHUB_SHA --timeout 2m")
    .action(async (what: string, options: { timeout: string; checkout?: boolean }) => {
      const [fullName = "", sha = "", ...rest] = what.split("@");
      if (sha === "" || rest.length > 0)
        throw new AnswerError(`${what} is not a commit`, EXIT.usage, "write it as owner/name@sha");
      const query = new URLSearchParams({ wait: options.timeout });
      if (options.checkout) query.set("in", "checkout");
      const path = `${repositoryPath(fullName)}/contains/${encodeURIComponent(sha)}?${query}`;
      const { json, ask } = client();
      const { body } = await waiting({ json }, what, options.timeout, () => ask("GET", path));
      if (json) printJson(body);
      else print(`${what} is there`);
    });
  program
    .command("confirm-removal <installation>")
    .description(
      "confirm that the repositories of a held removal are gone; they are deleted after RETIRE_AFTER",
    )
    .addHelpText("after", "\nExample:\n  lockstep confirm-removal 1002")
    .action(async (installation: string) => {
      const path = `/api/v1/installations/${encodeURIComponent(installation)}/confirm-removal`;
      const { body } = await client().ask<{ repositories: number }>("POST", path);
      if (client().json) printJson(body);
      else print(`${body.repositories} repositories are gone; their mirrors are kept for RETIRE_AFTER`);
    });
}

/** The repositories of a command that names none. */
interface Many extends Filter {
  all?: boolean;
}

const withMany = (command: Command): Command =>
  addFilter(command.option("--all", "every repository, instead of those that are named"));

/** @throws AnswerError when the repositories are named in two ways, or in none */
function isOfMany(fullNames: string[], { all, ...filter }: Many): boolean {
  const isFiltered = all === true || Object.keys(filter).length > 0;
  if (isFiltered === fullNames.length > 0)
    throw new AnswerError(
      isFiltered ? "the repositories are given both by name and by option" : "no repository is given",
      EXIT.usage,
      "name them as owner/name, or use --all, --state or --name",
    );
  return isFiltered;
}

async function several(client: Client, action: string, { all: _, ...filter }: Many, done: string) {
  const path = `/api/v1/repos/${action}?${new URLSearchParams(queryOf(filter))}`;
  const { body } = await client.ask<{ repositories: number }>("POST", path);
  if (client.json) return printJson(body);
  print(`${done} ${countedRepositories(body.repositories)}`);
}

/** Calls the action for each name; a failure does not prevent later calls. */
async function each(fullNames: string[], act: (fullName: string) => Promise<void>): Promise<void> {
  for (const fullName of fullNames)
    await act(fullName).catch((error: unknown) => reportFailure(error, fullName));
}

const post =
  (action: string, done: string): Act =>
  async (client, fullName) => {
    const { body } = await client.ask("POST", `${repositoryPath(fullName)}/${action}`);
    if (client.json) printJson(body);
    else print(`${fullName} ${done}`);
  };

async function refresh(client: Client, fullName: string, wait: string): Promise<void> {
  const path = `${repositoryPath(fullName)}/refresh${waitQuery(wait)}`;
  const { body } = await waiting(client, `the refresh of ${fullName}`, wait, () =>
    client.ask<{ repository?: RepositoryView }>("POST", path),
  );
  if (client.json) printJson(body);
  else print(`${fullName} ${body.repository ? body.repository.state : "queued"}`);
}
