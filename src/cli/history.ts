import type { Command } from "commander";
import type { HoldView, KeptView, RepositoryView } from "../http/view.js";
import { type Client, repositoryPath } from "./client.js";
import { everyPage } from "./pages.js";
import { print, printJson, printTable } from "./print.js";
import { waiting, waitQuery } from "./wait.js";

/** Commands of the history guard, for kept tips and held refs. */
export function addHistoryCommands(program: Command, client: () => Client): void {
  program
    .command("kept <owner/name>")
    .description("list kept tips that can be restored, and refs that are held")
    .addHelpText("after", "\nExample:\n  lockstep kept acme/app")
    .action((fullName: string) => showKept(client(), fullName));
  program
    .command("restore <owner/name> <kept>")
    .description("restore a ref of the mirror to a kept tip and hold it there until you allow GitHub's value")
    .option("--ref <ref>", "the ref to restore, if the kept tip does not name it")
    .option("--wait <duration>", "how long to wait for the refresh, such as 30s; 0s does not wait", "60s")
    .addHelpText(
      "after",
      "\nExample:\n  lockstep restore acme/app refs/lockstep/kept/1764000000000-36fd…/heads/main",
    )
    .action(async (fullName: string, kept: string, { ref, wait }: { ref?: string; wait: string }) => {
      const body = { kept, ...(ref === undefined ? {} : { ref }) };
      await post(client(), `${repositoryPath(fullName)}/restore`, body, wait, `${fullName} restored`);
    });
  program
    .command("allow <owner/name> <ref>")
    .description("let a held ref follow GitHub")
    .option("--wanted <sha>", "only if GitHub still has this value; forty zeros mean a deletion")
    .option("--wait <duration>", "how long to wait for the refresh, such as 30s; 0s does not wait", "60s")
    .addHelpText("after", "\nExample:\n  lockstep allow acme/app refs/heads/main --wanted 36fdd911512d…")
    .action(async (fullName: string, ref: string, { wanted, wait }: { wanted?: string; wait: string }) => {
      const body = { ref, ...(wanted === undefined ? {} : { wanted }) };
      await post(client(), `${repositoryPath(fullName)}/allow`, body, wait, `${ref} allowed`);
    });
}

async function showKept(client: Client, fullName: string): Promise<void> {
  const path = repositoryPath(fullName);
  const kept = await everyPage<KeptView>(client, `${path}/kept`, "kept");
  const holds = await everyPage<HoldView>(client, `${path}/holds`, "holds");
  if (client.json) return printJson({ kept, holds });
  const keptRows = kept.map(({ ref, sha, expiresAt, name }) => [
    ref ?? "?",
    sha.slice(0, 12),
    expiresAt.slice(0, 10),
    name,
  ]);
  printTable({ head: ["REF", "TIP", "UNTIL", "KEPT AS"], rows: keptRows, empty: "no kept tips" });
  if (holds.length === 0) return;
  print();
  const heldRows = holds.map(({ ref, tip, wanted, cause }) => [ref, tip.slice(0, 12), wanted, cause]);
  printTable({ head: ["HELD", "TIP", "GITHUB HAS", "CAUSE"], rows: heldRows, empty: "no held refs" });
}

async function post(client: Client, path: string, body: object, wait: string, done: string): Promise<void> {
  const answer = await waiting(client, "the refresh", wait, () =>
    client.ask<{ repository?: RepositoryView }>("POST", path + waitQuery(wait), body),
  );
  if (client.json) printJson(answer.body);
  else print(answer.body.repository ? done : `${done}; queued`);
}
