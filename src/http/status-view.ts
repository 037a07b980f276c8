import { z } from "zod";
import { Attention } from "./attention.js";
import { Held, Outage, QueueItem } from "./log-view.js";
import { Missing } from "./paging.js";
import { Time } from "./view.js";

const Count = z.number().int();

export const Installation = z
  .object({
    id: Count,
    login: z.string(),
    state: z.enum(["active", "suspended", "gone"]),
    since: Time,
    lastListedAt: Time.nullable(),
    lastError: z.object({ code: z.string(), message: z.string(), hint: z.string(), at: Time }).nullable(),
    heldRemoval: z
      .object({
        repositories: z.array(z.string()),
        heldAt: Time,
        confirm: z.string().meta({ description: "the call that confirms it" }),
      })
      .nullable()
      .meta({ description: "repositories whose removal waits for an operator's confirmation" }),
  })
  .meta({ id: "Installation" });

const ProblemOfWhole = z
  .object({
    code: z.string(),
    since: Time,
    detail: z.string(),
    remedy: z.string(),
    installationId: Count.optional(),
    consumer: z.string().optional(),
    cause: z
      .enum(["not_called", "refused", "unanswered", "not_logged"])
      .optional()
      .meta({ description: "of webhook_silent: why no delivery arrived" }),
  })
  .meta({ id: "ProblemOfWhole" });

const Reading = z
  .object({ pages: Count, recovered: Count, at: Time.nullable() })
  .meta({ description: "a long read of GitHub's delivery log is in progress" });

const RateLimit = z.object({
  whose: z.string(),
  account: z.string().nullable().meta({ description: "of the installation; null: of the App itself" }),
  limit: Count,
  remaining: Count,
  resetsAt: Time,
  heldUntil: Time.nullable(),
});

const ClassOfWork = z
  .object({
    class: QueueItem.shape.class,
    running: Count,
    slots: Count.meta({ description: "how many run at a time" }),
    waiting: Count,
  })
  .meta({ id: "ClassOfWork" });

const Disk = z.object({
  freeBytes: z.number(),
  totalBytes: z.number().meta({ description: "of the file system that has the mirrors" }),
  minFreeBytes: z.number(),
  low: z.boolean(),
  full: z
    .object({
      path: z.string(),
      lacks: z.enum(["space", "files"]),
      stops: z.array(z.enum(["refresh", "publish"])),
    })
    .nullable()
    .meta({ description: "the file system that has too little left for the work in `stops` to run" }),
  reserve: z.boolean().meta({ description: "whether the space that is kept for the database is there" }),
});

const ConsumerLag = z.object({
  consumer: z.string(),
  pending: Count,
  repositories: Count.meta({ description: "whose events are pending" }),
  oldestAgeMs: z.number().nullable(),
  lastError: z.object({ message: z.string(), at: Time }).nullable(),
  dropped: Count.meta({ description: "events that expired before the consumer accepted them" }),
});

/**
 * - fresh: every mirror was proven equal to GitHub within STALE_AFTER, and nothing prevents the next proof.
 * - cloning: as far as the mirrors exist; other repositories wait for their first clone.
 * - stale: the proof of some mirror is too old, or a problem may make it so.
 * - empty: no repository is to be mirrored.
 */
const FreshnessState = z.enum(["fresh", "cloning", "stale", "empty"]);

const Mirrors = z
  .object({
    managed: Count.meta({ description: "repositories to be mirrored: not gone, suspended or paused" }),
    cloned: Count.meta({ description: "those of them that were cloned" }),
  })
  .meta({ id: "Mirrors" });

/** The whole server's state in one answer. */
export const Status = z
  .object({
    fresh: z.boolean().meta({ description: "whether the state is fresh" }),
    state: FreshnessState,
    mirrors: Mirrors,
    oldestUnprovenMs: z.number().nullable().meta({
      description: "age of the oldest proof that a repository equals GitHub; null if there is none",
    }),
    repositories: z
      .record(z.string(), Count)
      .meta({ description: "repositories by state; paused ones count as paused" }),
    problems: z.array(ProblemOfWhole),
    attention: z.array(Attention).meta({ description: "what an operator should look at, the worst first" }),
    attentionTotal: Count.meta({ description: "how many entries there are, of which the first are listed" }),
    heldRepositories: Count.meta({
      description:
        "repositories that are fresh but for held refs; with another state they count by that state",
    }),
    queue: z.object({
      depth: Count,
      classes: z.array(ClassOfWork),
      held: z.array(Held),
      outages: z.array(Outage),
    }),
    backstop: z.object({
      intervalMs: z.number().nullable(),
      lastPassAt: Time.nullable(),
      lastError: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
    deliveries: z.object({
      mode: z.enum(["webhook", "pull"]),
      lastWebhookAt: Time.nullable(),
      lastReadAt: Time.nullable(),
      reading: Reading.nullable(),
    }),
    github: z.object({ calls: Count, limits: z.array(RateLimit) }),
    announce: z.array(ConsumerLag),
    serving: z
      .object({
        url: z.string().meta({ description: "where Lockstep listens", example: "https://0.0.0.0:8443" }),
        readers: z.array(z.string()).meta({ description: "the ways of READERS; empty: nobody reads" }),
      })
      .nullable()
      .meta({ description: "where mirrors are served to other machines; null: nowhere" }),
    disk: Disk,
    missing: Missing,
  })
  .meta({ id: "Status" });

export type InstallationView = z.infer<typeof Installation>;
export type FreshnessState = z.infer<typeof FreshnessState>;
export type StatusView = z.infer<typeof Status>;
