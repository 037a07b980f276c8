import type { Command } from "commander";
import type { RepositoryView } from "../http/view.js";
import { AnswerError, type Client, repositoryPath } from "./client.js";
import { EXIT } from "./exit.js";
import { reportFailure } from "./failure.js";
import { print, printJson } from "./print.js";
import { waiting, waitQuery } from "./wait.js";

type Act = (client: Client, fullName: string) => Promise<void>;

/** Commands that request a change. */
export function addOperateCommands(program: Command, client: () => Client): void {
  const command = (name: string, description: string, act: Act) =>
    program
      .command(`${name} <owner/name...>`)
      .description(description)
      .addHelpText("after", `\nExample:\n  lockstep ${name} acme/app acme/site`)
      .action(async (fullNames: string[]) => {
        await each(fullNames, (fullName) => act(client(), fullName));
      });

  program
    .command("refresh <owner/name...>")
    .description("compare every ref with GitHub")
    .option("--wait <duration>", "how long to wait for the refresh, such as 30s; 0s does not wait", "60s")
    .addHelpText("after", "\nExample:\n  lockstep refresh acme/app --wait 2m")
    .action(async (fullNames: string[], { wait }: { wait: string }) => {
      await each(fullNames, (fullName) => refresh(client(), fullName, wait));
    });
  command("pause", "stop refreshing a repository until it is resumed", post("pause", "paused"));
  command("resume", "resume a paused repository and refresh it", post("resume", "resumed"));
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
    .description("confirm a held removal; RETIRE_AFTER starts now")
    .addHelpText("after", "\nExample:\n  lockstep confirm-removal 1002")
    .action(async (installation: string) => {
      const path = `/api/v1/installations/${encodeURIComponent(installation)}/confirm-removal`;
      const { body } = await client().ask<{ repositories: number }>("POST", path);
      if (client().json) printJson(body);
      else print(`${body.repositories} repositories are gone; their mirrors are kept for RETIRE_AFTER`);
    });
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
