/** Parses payloads. Ids are trusted once the signature was verified; everything else is a hint. */
import { z } from "zod";
import type { Fields } from "../base/large-json.js";
import type { RepositoryName } from "../base/model.js";
import { ZERO } from "../base/model.js";
import { fullName, isOwner, isRefName, isRepositoryName, isSha, RESERVED_REFS } from "../base/names.js";

/**
 * What is kept or shown of a payload has a length: even a signed field may have 25 MiB. GitHub's actions are short words,
 * and its refs have at most 255 bytes. In characters.
 */
const MAX_ACTION = 64;
const MAX_REF = 1_024;
const MAX_TIME = 40;
/** JSON has this in place of a byte that is not UTF-8, so that a name with it may be another ref's. */
const REPLACEMENT = "\uFFFD";

const Id = z.number().int().positive();
export const Repository = z.object({
  id: Id,
  full_name: z.string().optional().catch(undefined),
  pushed_at: z.unknown().optional(),
});
export const WithRepository = z.object({ repository: Repository });
const WithInstallation = z.object({ installation: z.object({ id: Id }) });
const WithAction = z.object({ action: z.string() });
const RefName = z
  .string()
  .max(MAX_REF)
  .refine((ref) => isRefName(ref) && !ref.startsWith(RESERVED_REFS) && !ref.includes(REPLACEMENT));
const Sha = z.string().refine(isSha);
export const Push = z
  .object({ ref: RefName, before: Sha, after: Sha, forced: z.boolean().optional().catch(undefined) })
  .refine(({ before, after }) => before !== ZERO || after !== ZERO);

export const PullRequest = z.object({
  number: Id,
  before: Sha.optional(),
  pull_request: z.object({ head: z.object({ sha: Sha }), updated_at: z.string() }),
});

/** The pages that one edit of a wiki has changed; an edit by hand changes one. */
export const Wiki = z.object({ pages: z.array(z.object({ sha: Sha })) });

/** The fields of a payload that these schemas read. */
export const USED_FIELDS: Fields = {
  action: true,
  ref: true,
  before: true,
  after: true,
  forced: true,
  number: true,
  repository: { id: true, full_name: true, pushed_at: true },
  installation: { id: true },
  pull_request: { head: { sha: true }, updated_at: true },
};

/** The payload's `action` distinguishes the kinds of one event. */
export function actionOf(payload: unknown): string | null {
  const action = WithAction.safeParse(payload).data?.action;
  return action === undefined ? null : shortened(action);
}

/** Shortens an action that is longer than any of GitHub's. */
export const shortened = (action: string): string =>
  action.length <= MAX_ACTION ? action : `${action.slice(0, MAX_ACTION)}…`;

/** The repository and installation of a delivery, as far as the payload is usable. */
export interface DeliveryAbout {
  repositoryId?: number;
  /** The full name, owner/name. */
  repository?: string;
  installationId?: number;
}

export function aboutOf(payload: unknown): DeliveryAbout {
  const repository = WithRepository.safeParse(payload).data?.repository;
  const name = toName(repository?.full_name);
  const installationId = installationOf(payload);
  return {
    ...(repository && { repositoryId: repository.id }),
    ...(name && { repository: fullName(name) }),
    ...(installationId !== undefined && { installationId }),
  };
}

export function installationOf(payload: unknown): number | undefined {
  return WithInstallation.safeParse(payload).data?.installation.id;
}

export function toName(fullName: string | undefined): RepositoryName | null {
  // Only the beginning matters: a name with more than one slash is none.
  const [owner = "", name = "", ...rest] = fullName?.split("/", 3) ?? [];
  return isOwner(owner) && isRepositoryName(name) && rest.length === 0 ? { owner, name } : null;
}

/** `pushed_at` is in seconds since 1970 in push events, and an ISO 8601 text everywhere else. */
export function toEpochSeconds(value: unknown): number | null {
  const isTime = typeof value === "string" && value.length <= MAX_TIME;
  const seconds = isTime ? Date.parse(value) / 1_000 : value;
  // A time in the far future would make every later push of the ref look old.
  const plausible = typeof seconds === "number" && seconds > 0 && seconds < 2 ** 32;
  return plausible ? Math.floor(seconds) : null;
}
