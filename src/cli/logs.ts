import { type Command, Option } from "commander";
import { Delivery, type DeliveryView, type RefreshView } from "../http/log-view.js";
import type { QueueList } from "../http/logs.js";
import { type Client, repositoryPath } from "./client.js";
import { ago, print, printJson, printTable, warnOfMissing } from "./print.js";
import { printWaits } from "./waits.js";

interface DeliveryOptions {
  repository?: string;
  outcome?: string;
  limit: string;
  cursor?: string;
}

/** Commands that list deliveries, the queue and finished refreshes. */
export function addLogCommands(program: Command, client: () => Client): void {
  program
    .command("deliveries")
    .description("list the deliveries of the last 8 days and their outcomes, newest first")
    .option("--repository <owner/name>", "only this repository")
    .addOption(
      new Option("--outcome <outcome>", "only these outcomes").choices(Delivery.shape.outcome.options),
    )
    .option("--limit <number>", "how many to list, at most 1000", "50")
    .option("--cursor <cursor>", "continue after the `next` of an earlier answer (see --json)")
    .addHelpText("after", "\nExample:\n  lockstep deliveries --repository acme/app --outcome open")
    .action((options: DeliveryOptions) => showDeliveries(client(), options));
  program
    .command("refreshes <owner/name>")
    .description("list the last 50 refreshes of a repository, newest first")
    .addHelpText("after", "\nExample:\n  lockstep refreshes acme/app")
    .action((fullName: string) => showRefreshes(client(), fullName));
  program
    .command("queue")
    .description("list the first 100 requests that wait or run, in the order they will run")
    .addHelpText("after", "\nExample:\n  lockstep queue")
    .action(() => showQueue(client()));
}

async function showDeliveries(client: Client, options: DeliveryOptions): Promise<void> {
  const query = new URLSearchParams({ ...options });
  const { body } = await client.ask<{ deliveries: DeliveryView[]; missing?: string[] }>(
    "GET",
    `/api/v1/deliveries?${query}`,
  );
  if (client.json) return printJson(body);
  const rows = body.deliveries.map(({ receivedAt, event, action, repository, outcome, became }) => [
    ago(receivedAt),
    action ? `${event}.${action}` : event,
    repository ?? "",
    outcome,
    became,
  ]);
  printTable({
    head: ["AGO", "EVENT", "REPOSITORY", "OUTCOME", "WHAT BECAME OF IT"],
    rows,
    empty: "no deliveries in the last 8 days",
  });
  warnOfMissing(body.missing);
}

async function showRefreshes(client: Client, fullName: string): Promise<void> {
  const path = `${repositoryPath(fullName)}/refreshes`;
  const { body } = await client.ask<{ refreshes: RefreshView[] }>("GET", path);
  if (client.json) return printJson(body);
  const rows = body.refreshes.map(({ endedAt, trigger, result, way, changed, durationMs, reason }) => [
    ago(endedAt),
    trigger,
    result,
    way,
    String(changed),
    `${durationMs} ms`,
    reason ?? "",
  ]);
  printTable({
    head: ["AGO", "TRIGGER", "RESULT", "WAY", "REFS", "TOOK", "REASON"],
    rows,
    empty: `no refreshes of ${fullName} yet`,
  });
}

async function showQueue(client: Client): Promise<void> {
  const { body } = await client.ask<QueueList>("GET", "/api/v1/queue");
  if (client.json) return printJson(body);
  printWaits(body);
  const rows = body.queue.map((item) => [
    item.name || item.subject,
    item.trigger,
    item.class,
    item.running ? "runs" : `due ${item.dueAt.slice(11, 19)}`,
    String(item.attempt),
    item.waitingSince === null ? "" : ago(item.waitingSince),
    item.waitsFor ?? "",
  ]);
  const head = ["SUBJECT", "TRIGGER", "CLASS", "STATE", "TRIES", "WAITS", "FOR"];
  printTable({ head, rows, empty: "nothing waits, and nothing runs" });
  if (body.total > rows.length) print(`and ${body.total - rows.length} more`);
}
