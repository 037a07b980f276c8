import type { Command } from "commander";
import { fullName } from "../base/names.js";
import { countedRepositories } from "../base/units.js";
import type { InstallationView, StatusView } from "../http/operate.js";
import type { HoldView, KeptView, RefView, RepositoryView } from "../http/view.js";
import { type Client, repositoryPath } from "./client.js";
import { EXIT } from "./exit.js";
import { addFilter, type Filter, queryOf } from "./filter.js";
import { everyPage } from "./pages.js";
import { ago, printJson, printTable } from "./print.js";
import { printStatus } from "./status.js";

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
  addFilter(
    program
      .command("list")
      .description("list the repositories with state, age of the last proof and last failure"),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep list --state failing\n  lockstep list --name 'acme/*-service'",
    )
    .action(async (filter: Filter) => {
      const shown = await everyPage<RepositoryView>(
        client(),
        "/api/v1/repos",
        "repositories",
        queryOf(filter),
      );
      if (client().json) return printJson(shown);
      const rows = shown.map((it) => [
        fullName(it),
        it.state,
        ago(it.lastProvenAt),
        it.lastError?.code ?? "",
      ]);
      printTable({
        head: ["REPOSITORY", "STATE", "PROVEN", "FAILURE"],
        rows,
        empty: Object.keys(filter).length > 0 ? "no repository matches" : "no repositories yet",
      });
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
        it.heldRemoval ? countedRepositories(it.heldRemoval.repositories.length) : "",
      ]);
      printTable({
        head: ["ID", "ACCOUNT", "STATE", "LISTED", "HELD REMOVAL"],
        rows,
        empty: "the App is not installed yet",
      });
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
