import { z } from "zod";

/** A time in ISO 8601, in UTC. */
export const Time = z.string().meta({ format: "date-time" });
const Sha = z.string().meta({ description: "full object name" });
const Shas = z.record(z.string(), z.string());
/** The answer about one repository has at most this many refs, and this many kept tips and holds. */
export const MAX_SHOWN_REFS = 1_000;
export const MAX_SHOWN = 100;

/** The stored state, unless a running refresh or an operator's pause hides it. */
export const ShownState = z.enum([
  ...(["onboarding", "fresh", "behind", "incomplete", "failing", "suspended", "gone", "retired"] as const),
  ...(["refreshing", "paused"] as const),
]);

/** A ref of the mirror. */
export const Ref = z
  .object({
    ref: z.string(),
    sha: Sha,
    provenAt: Time.nullable().meta({
      description:
        "when the ref was proven equal to GitHub's; null if not later than the repository as a whole",
    }),
  })
  .meta({ id: "Ref" });

/** A change of a ref that a refresh has made and announced. */
export const Change = z
  .object({
    event: z.number().int().meta({ description: "id of the event that announced it" }),
    at: Time,
    ref: z.string(),
    before: Sha.meta({ description: "all zeros if the ref was created" }),
    after: Sha.meta({ description: "all zeros if the ref was deleted" }),
  })
  .meta({ id: "Change" });

/** An old tip that can be restored. */
export const Kept = z
  .object({
    name: z.string().meta({ description: "the ref in the mirror that keeps it" }),
    ref: z
      .string()
      .nullable()
      .meta({ description: "the ref whose tip it was; null if the name was too long to record" }),
    sha: Sha,
    keptAt: Time,
    expiresAt: Time,
    restore: z.string().meta({ description: "the call that restores the mirror's ref to it" }),
    push: z
      .string()
      .nullable()
      .meta({ description: "the command that restores GitHub's ref to it; null if ref is null" }),
  })
  .meta({ id: "KeptTip" });

/** A ref that is held at its old tip. */
export const Hold = z
  .object({
    ref: z.string(),
    tip: Sha,
    wanted: Sha.meta({ description: "what GitHub has; all zeros if GitHub has no such ref" }),
    since: Time,
    cause: z.enum(["blocked", "restored", "vanished"]),
    allow: z.string().meta({ description: "the call that applies GitHub's value" }),
    push: z.string().meta({ description: "the command that undoes it at GitHub" }),
  })
  .meta({ id: "Hold" });

const Maintenance = z
  .object({
    tidiedAt: Time.nullable(),
    prunedAt: Time.nullable(),
    bitmapAt: Time.nullable().meta({
      description: "when a bitmap was written, which mirrors that are cloned often have",
    }),
    checkedAt: Time.nullable(),
    due: z.array(z.string()),
    running: z.string().nullable(),
  })
  .meta({ id: "Maintenance" });

/** A published working tree. */
const Checkout = z
  .object({
    ref: z.string(),
    path: z.string().meta({ description: "of the link that readers resolve" }),
    commit: Sha.nullable().meta({ description: "the published commit; null if nothing is published" }),
    publishedAt: Time.nullable(),
    wanted: Sha.nullable().meta({
      description: "the commit that should be published; null if the ref has none",
    }),
    veto: z
      .object({ reason: z.string(), output: z.string(), at: Time })
      .nullable()
      .meta({ description: "why `wanted` is not published" }),
    notes: z.array(z.string()).meta({
      description: "what readers of the tree should know, such as pointers of Git LFS that cannot be read",
    }),
  })
  .meta({ id: "Checkout" });

/** The objects of Git LFS that are kept with a mirror. */
const Lfs = z
  .object({
    objects: z.number().int().meta({ description: "those that are kept" }),
    bytes: z.number(),
    missing: z.number().int().meta({ description: "those that pointers name and that are not kept yet" }),
    missingBytes: z.number(),
    refused: z.number().int().meta({ description: "those of the missing ones that GitHub did not give" }),
    fault: z.string().nullable().meta({ description: "why GitHub did not give one of them" }),
    scannedAt: Time.nullable().meta({ description: "when pointers were last looked for" }),
  })
  .meta({ id: "Lfs" });

/** A managed repository, in the API's form. */
const repository = {
  id: z.number().int(),
  owner: z.string(),
  name: z.string(),
  state: ShownState,
  defaultBranch: z.string(),
  installationId: z.number().int(),
  node: z.string().optional().meta({ description: "the node of a cluster that says this" }),
  depth: z
    .number()
    .int()
    .nullable()
    .meta({ description: "number of commits of each ref in the mirror; null means all" }),
  filter: z.string().nullable().meta({
    description: "blob:none if the mirror has only the published contents; null if it has all contents",
  }),
  checkouts: z.array(Checkout).optional().meta({ description: "only if CHECKOUTS includes it" }),
  lfs: Lfs.optional().meta({ description: "only with LFS=yes, and for one repository" }),
  queued: z.boolean(),
  running: z.boolean(),
  lastRefreshAt: Time.nullable(),
  lastFullAt: Time.nullable().meta({ description: "last comparison of every ref" }),
  lastProvenAt: Time.nullable().meta({
    description: "when the whole repository was last proven equal to GitHub",
  }),
  pausedAt: Time.nullable(),
  goneAt: Time.nullable().meta({ description: "when GitHub stopped listing it" }),
  retiresAt: Time.nullable().meta({ description: "when its mirror will be deleted" }),
  lagMs: z.number().nullable().meta({ description: "time from the last push to the end of its refresh" }),
  pushedAt: Time.nullable(),
  lastError: z
    .object({
      code: z.string(),
      message: z.string(),
      hint: z.string(),
      at: z.string(),
      attempt: z.number().int(),
    })
    .nullable(),
};
export const Repository = z.object(repository).meta({ id: "Repository" });

/** The path of one repository. */
export const RepositoryDetails = z
  .object({
    ...repository,
    heads: Shas.meta({
      description: `the first ${MAX_SHOWN_REFS} refs of the mirror, and their object names`,
    }),
    headsProvenAt: Shas.meta({
      description: "those of them proven equal to GitHub's after lastProvenAt, with the time of each proof",
    }),
    maintenance: Maintenance,
    kept: z.array(Kept).meta({ description: `newest first, at most ${MAX_SHOWN}` }),
    holds: z.array(Hold).meta({ description: `at most ${MAX_SHOWN}` }),
    totals: z
      .object({ heads: z.number().int(), kept: z.number().int(), holds: z.number().int() })
      .meta({ description: "how many there are; /refs, /kept and /holds below this path list all of them" }),
  })
  .meta({ id: "RepositoryDetails" });

export type ShownState = z.infer<typeof ShownState>;
export type RepositoryView = z.infer<typeof Repository>;
export type RefView = z.infer<typeof Ref>;
export type ChangeView = z.infer<typeof Change>;
export type KeptView = z.infer<typeof Kept>;
export type HoldView = z.infer<typeof Hold>;
export type CheckoutView = z.infer<typeof Checkout>;
export type MaintenanceView = z.infer<typeof Maintenance>;

export type SettledOutcome = { ok: true } | { ok: false; code: string; hint: string } | "timeout";
