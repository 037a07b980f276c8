import { type Command, Option } from "commander";
import { fullName } from "../base/names.js";
import type { InstallationView, StatusView } from "../http/operate.js";
import type { HoldView, KeptView, RefView, RepositoryView, ShownState } from "../http/view.js";
import { type Client, repositoryPath } from "./client.js";
import { EXIT } from "./exit.js";
import { everyPage } from "./pages.js";
import { ago, print, printJson, table } from "./print.js";
import { printStatus } from "./status.js";

const STATES = Object.keys({
  onboarding: 1,
  fresh: 1,
  refreshing: 1,
  behind: 1,
  incomplete: 1,
  failing: 1,
  paused: 1,
  suspended: 1,
  gone: 1,
  retired: 1,
} satisfies Record<ShownState, 1>);
const WATCH_MS = 2_000;
const CLEAR = "\u001b[2J\u001b[H";

/** Commands that only read. */
export function addShowCommands(program: Command, client: () => Client): void {
  program
    .command("status")
    .description("show whether everything is fresh, and what is wrong; exits 4 if something is not fresh")
    .option("--watch", "repeat every two seconds")
    .addHelpText("after", "\nExample:\n  lockstep status --watch")
    .action(async ({ watch }: { watch?: boolean }) => {
      do {
        const { body } = await client().ask<StatusView>("GET", "/api/v1/status");
        if (watch && process.stdout.isTTY) process.stdout.write(CLEAR);
        if (client().json) printJson(body);
        else printStatus(body);
        process.exitCode = body.fresh ? EXIT.done : EXIT.stale;
        if (watch) await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
      } while (watch);
    });
  program
    .command("list")
    .description("list the repositories with state, age of the last proof and last failure")
    .addOption(new Option("--state <state>", "only repositories in this state").choices(STATES))
    .addHelpText("after", "\nExample:\n  lockstep list --state failing")
    .action(async ({ state }: { state?: string }) => {
      const filter: Record<string, string> = state === undefined ? {} : { state };
      const shown = await everyPage<RepositoryView>(client(), "/api/v1/repos", "repositories", filter);
      if (client().json) return printJson(shown);
      const rows = shown.map((it) => [
        fullName(it),
        it.state,
        ago(it.lastProvenAt),
        it.lastError?.code ?? "",
      ]);
      for (const line of table([["REPOSITORY", "STATE", "PROVEN", "FAILURE"], ...rows])) print(line);
    });
  program
    .command("show <owner/name>")
    .description("show one repository with every ref's tip, as JSON")
    .addHelpText("after", "\nExample:\n  lockstep show acme/app")
    .action(async (fullName: string) => {
      printJson(await showWhole(client(), fullName));
    });
  program
    .command("installations")
    .description("list the App's installations and the removals that wait for confirmation")
    .addHelpText("after", "\nExample:\n  lockstep installations")
    .action(async () => {
      const shown = await everyPage<InstallationView>(client(), "/api/v1/installations", "installations");
      if (client().json) return printJson(shown);
      const rows = shown.map((it) => [
        String(it.id),
        it.login,
        it.state,
        ago(it.lastListedAt),
        it.heldRemoval ? `${it.heldRemoval.repositories.length} repositories` : "",
      ]);
      for (const line of table([["ID", "ACCOUNT", "STATE", "LISTED", "HELD REMOVAL"], ...rows])) print(line);
    });
}

/** Returns the API's answer about one repository, with all refs, kept tips and holds instead of the first ones. */
async function showWhole(client: Client, fullName: string): Promise<object> {
  const path = repositoryPath(fullName);
  const { body } = await client.ask<object>("GET", path);
  const refs = await everyPage<RefView>(client, `${path}/refs`, "refs");
  const proven = refs.flatMap(({ ref, provenAt }) => (provenAt === null ? [] : [[ref, provenAt]]));
  return {
    ...body,
    heads: Object.fromEntries(refs.map(({ ref, sha }) => [ref, sha])),
    headsProvenAt: Object.fromEntries(proven),
    kept: await everyPage<KeptView>(client, `${path}/kept`, "kept"),
    holds: await everyPage<HoldView>(client, `${path}/holds`, "holds"),
  };
}
