import { z } from "zod";
import { type Announcement, TRIGGERS } from "../base/model.js";

const sha = z
  .string()
  .regex(/^[\da-f]{40}([\da-f]{24})?$/)
  .meta({ description: "an object name; zeros: no such ref" });

const change = z
  .looseObject({ ref: z.string(), before: sha, after: sha })
  .meta({ id: "change", description: "a ref, with its value before and after" });

const checkout = z
  .looseObject({ ref: z.string(), before: sha, after: sha, path: z.string() })
  .meta({ id: "checkout", description: "the link to a published tree, and the commits before and after" });

const visibility = z.enum(["public", "private", "internal"]).nullable();

const attributes = z
  .looseObject({
    owner: z.string(),
    name: z.string(),
    defaultBranch: z.string(),
    visibility: visibility.meta({ description: "null: not known yet" }),
    archived: z.boolean().nullable().meta({ description: "null: not known yet" }),
  })
  .meta({ id: "attributes", description: "what GitHub says of a repository" });

const repository = z
  .looseObject({ id: z.int(), owner: z.string(), name: z.string() })
  .meta({ id: "repository", description: "GitHub's id never changes; the name is the one after the event" });

const nothing = <T extends z.ZodType>(of: T) => z.array(of).max(0);
const some = <T extends z.ZodType>(of: T) => z.array(of).min(1);

const COMMON = {
  version: z.literal(1),
  id: z.int().positive().meta({ description: "grows; gaps mean nothing" }),
  at: z.iso.datetime().meta({ description: "when it happened, in UTC" }),
  repository,
  mirror: z.string().meta({ description: "the mirror's path, which no rename changes" }),
};

/** An event of what was done to a mirror or a tree has nothing of a repository's life. */
const WORK = {
  ...COMMON,
  trigger: z.enum(TRIGGERS).meta({ description: "what asked for the refresh" }),
  changed: z.int().nonnegative().meta({ description: "the number of changed refs" }),
  truncated: z.boolean().meta({ description: "true: `changes` does not have all of them" }),
  changes: nothing(change),
  publishing: z.array(z.string()).max(0),
  checkouts: nothing(checkout),
  refused: nothing(checkout),
  attributes: z.null(),
  holds: nothing(change),
  reason: z.null(),
};

const LIFE = { ...WORK, trigger: z.null(), changed: z.literal(0), truncated: z.literal(false) };
const FACT = { ...LIFE, attributes: z.looseObject({ before: attributes, after: attributes }) };
const HOLD = { ...LIFE, holds: some(change) };

/** Describes one type of event. */
const event = <Type extends Announcement["type"], Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
  description: string,
) => z.looseObject({ ...shape, type: z.literal(type) }).meta({ title: type, description });

/** Every event that consumers get. Later versions of Lockstep may add fields and types, as long as `version` is 1. */
export const EVENT_SCHEMA = z.discriminatedUnion("type", [
  event(
    "changed",
    { ...WORK, changes: some(change), publishing: z.array(z.string()) },
    "refs of the mirror changed",
  ),
  event("cloned", { ...WORK, changes: z.array(change) }, "the mirror is new; any of its refs may be, too"),
  event("published", { ...WORK, checkouts: some(checkout) }, "links lead to the trees of other commits"),
  event("refused", { ...WORK, refused: some(checkout) }, "commits were not published; the links stay"),
  event("renamed", FACT, "the repository has another name"),
  event("transferred", FACT, "the repository has another owner, and perhaps another name"),
  event("default_branch_changed", FACT, "the repository has another default branch"),
  event("visibility_changed", FACT, "others may see the repository than before"),
  event("archived", FACT, "the repository is read-only at GitHub"),
  event("unarchived", FACT, "the repository is no longer read-only"),
  event("suspended", LIFE, "the installation is suspended, and the mirror stays as it is"),
  event(
    "gone",
    { ...LIFE, reason: z.enum(["not_listed", "excluded"]) },
    "the repository is kept in step no more; its mirror is kept for RETIRE_AFTER",
  ),
  event("returned", LIFE, "the repository is kept in step again"),
  event("retired", LIFE, "the mirror is deleted"),
  event("held", HOLD, "refs stay at `before`, although GitHub has `after`"),
  event("allowed", HOLD, "an operator lets refs follow to `after`"),
  event("released", HOLD, "refs follow GitHub again"),
]) satisfies z.ZodType<Announcement>;

/** The schema as a JSON Schema document, which docs/events.schema.json has. */
export const eventJsonSchema = () => ({
  ...z.toJSONSchema(EVENT_SCHEMA, { target: "draft-2020-12" }),
  $id: "urn:lockstep:events:1",
  title: "Events of Lockstep, version 1",
});
