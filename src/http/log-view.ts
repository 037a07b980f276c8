import { z } from "zod";
import { Time } from "./view.js";

const Trigger = z.enum(["push", "manual", "onboard", "backstop"]);

/** A delivery and its outcome. */
export const Delivery = z
  .object({
    id: z.string(),
    event: z.string(),
    action: z.string().nullable(),
    via: z.enum(["webhook", "recovered", "pull"]),
    receivedAt: Time,
    repository: z.string().nullable().meta({ description: "owner/name" }),
    repositoryId: z.number().int().nullable(),
    installationId: z.number().int().nullable(),
    outcome: z.enum(["open", "refreshed", "ignored"]),
    reason: z.string().nullable().meta({ description: "why it was ignored, or why it is still open" }),
    refreshedAt: Time.nullable().meta({ description: "when a refresh included it" }),
    headers: z.record(z.string(), z.string()).meta({
      description: "of GitHub's call: which webhook sent it; empty if it is not known",
    }),
    became: z.string().meta({ description: "the outcome in a sentence" }),
  })
  .meta({ id: "Delivery" });

/** A refresh that has ended. */
export const Refresh = z
  .object({
    endedAt: Time,
    durationMs: z.number().int(),
    lagMs: z.number().int().meta({ description: "since the oldest trigger in the queue arrived" }),
    trigger: Trigger,
    attempt: z.number().int(),
    result: z.string().meta({ description: "docs/glossary.md#results-and-ways, or the code of its failure" }),
    reason: z.string().nullable(),
    way: z.enum(["none", "word", "name", "full", "clone"]),
    changed: z.number().int().meta({ description: "refs" }),
  })
  .meta({ id: "Refresh" });

/** What GitHub asked Lockstep to leave alone. */
export const Held = z
  .object({
    what: z.string().meta({ description: "such as REST of acme, or git of acme/app" }),
    until: Time,
  })
  .meta({ id: "Held" });

/** A server of GitHub's that answers nobody. */
export const Outage = z
  .object({
    server: z.string().meta({ description: "such as github.com" }),
    since: Time,
    nextProbeAt: Time.nullable().meta({ description: "null: as soon as a request has a slot" }),
  })
  .meta({ id: "Outage" });

/** A subject that waits in the queue or runs. */
export const QueueItem = z
  .object({
    subject: z.enum(["repository", "installation", "app", "publish"]),
    id: z.number().int(),
    name: z.string().meta({ description: "owner/name, or the account" }),
    class: z.enum(["short", "long", "list", "publish"]).meta({ description: "whose slots it takes" }),
    trigger: Trigger,
    running: z.boolean(),
    attempt: z.number().int().meta({ description: "tries so far" }),
    waitingSince: Time.nullable(),
    dueAt: Time.meta({ description: "when it may run; while it runs, when its run began" }),
    waitsFor: z.string().nullable().meta({ description: "what is held or out that it waits for" }),
  })
  .meta({ id: "QueueItem" });

export type DeliveryView = z.infer<typeof Delivery>;
export type RefreshView = z.infer<typeof Refresh>;
export type QueueView = z.infer<typeof QueueItem>;
export type HeldView = z.infer<typeof Held>;
export type OutageView = z.infer<typeof Outage>;
