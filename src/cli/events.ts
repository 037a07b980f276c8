import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import { AnswerError, type Client } from "./client.js";
import { EXIT } from "./exit.js";
import { print, styled } from "./print.js";

const RECONNECT_MS = 2_000;
const NOTHING = /^0+$/;

/** Prints what refreshes change, as the changes happen. */
export function addEventsCommand(program: Command, client: () => Client): void {
  program
    .command("events")
    .description("show changes as refreshes make them; --json prints one event per line")
    .option("--repository <owner/name>", "only this repository")
    .option("--after <id>", "start after this event instead of now")
    .addHelpText("after", "\nExample:\n  lockstep --json events | jq --unbuffered .repository.name")
    .action(async (options: { repository?: string; after?: string }) => {
      const { repository, after } = options;
      const query = repository === undefined ? "" : `?${new URLSearchParams({ repository })}`;
      await follow(client(), `/api/v1/events${query}`, after);
    });
}

/** Reopens a stream that ended, after the last event received. Only a signal ends the command. */
async function follow(client: Client, path: string, after: string | undefined): Promise<never> {
  let last = after;
  let wasOpen = false;
  for (;;) {
    try {
      const body = await client.open(path, last === undefined ? {} : { "last-event-id": last });
      wasOpen = true;
      const messages = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const message of messages) {
        show(message, client.json);
        last = message.id ?? last;
      }
    } catch (error) {
      if (!wasOpen || (error instanceof AnswerError && !mayPass(error))) throw error;
    }
    process.stderr.write("lockstep: the stream ended; reconnecting\n");
    await sleep(RECONNECT_MS);
  }
}

const mayPass = ({ exitCode, status = 0 }: AnswerError) => exitCode === EXIT.unreachable || status >= 500;

function show({ event, data }: EventSourceMessage, json: boolean): void {
  if (event === "gap")
    process.stderr.write("lockstep: some older events are no longer kept; re-read everything once\n");
  else if (json) print(data);
  else for (const line of linesOf(JSON.parse(data) as Announcement)) print(line);
}

function linesOf(event: Announcement): string[] {
  const { at, type, trigger, repository, changes, changed, truncated } = event;
  const head = `${at.slice(11, 19)} ${fullName(repository)}`;
  if (type === "cloned") return [`${head} cloned`];
  if (trigger === null) return [`${head} ${type.replaceAll("_", " ")}${detailsOf(event)}`];
  const lines = changes.map(({ ref, before, after }) => `${head} ${ref} ${moved(before, after)}`);
  return truncated ? [...lines, `${head} and ${changed - changes.length} more`] : lines;
}

function detailsOf({ type, attributes, holds }: Announcement): string {
  const [hold] = holds;
  if (hold) return ` ${hold.ref}: the mirror has ${short(hold.before)}, GitHub ${short(hold.after)}`;
  if (!attributes) return "";
  const { before, after } = attributes;
  if (type === "renamed" || type === "transferred") return ` from ${fullName(before)}`;
  if (type === "default_branch_changed") return `: ${before.defaultBranch} → ${after.defaultBranch}`;
  return type === "visibility_changed" ? `: ${before.visibility} → ${after.visibility}` : "";
}

const short = (sha: string): string => (NOTHING.test(sha) ? "nothing" : sha.slice(0, 12));

function moved(before: string, after: string): string {
  if (NOTHING.test(after)) return styled("red", "deleted");
  const to = short(after);
  return NOTHING.test(before) ? `${styled("green", "new")} ${to}` : `${short(before)} → ${to}`;
}
