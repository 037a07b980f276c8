import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Selection, Wanted } from "../config/checkouts.js";
import { type Pin, pinOf } from "../git/mirror/pins.js";
import { type CheckContext, checkOldTrees, checkTrees } from "./check-trees.js";
import { isOutdated } from "./is-outdated.js";
import type { Ledger, Refusal } from "./ledger.js";
import { createPublisher, type Publishable, type PublishCall, type PublishTools } from "./publish.js";
import { renameLinks } from "./rename-links.js";
import { tidy } from "./schedule-tidy.js";
import { createTurns } from "./turns.js";
import { unpublish, withdrawUnwanted } from "./withdraw.js";

export interface CheckoutsTools extends PublishTools {
  /** The machine's boot id. */
  boot: string;
  selection: Selection;
  graceMs: number;
  /** Requests a refresh of a repository whose published tree differs from its commit. */
  request(id: number): void;
}

/** The form in which the API shows a checkout; times are in milliseconds. */
export interface CheckoutState {
  ref: string;
  path: string;
  commit: string | null;
  publishedAt: number | null;
  wanted: string | null;
  refusal: Refusal | null;
  notes: string[];
}

export interface Checkouts {
  /**
   * Repairs what a killed process left, and checks trees that were written before the machine was restarted.
   */
  start(): void;
  /** Brings every published tree of a repository in step with its ref. @returns the first failure */
  publish(call: PublishAll): Promise<RefreshError | null>;
  /** Lists the refs that CHECKOUTS publishes trees of. */
  refs(repository: Publishable): string[];
  /** Whether something of the repository is published, or is to be. */
  has(repository: Publishable): boolean;
  /** Whether a tree that CHECKOUTS asks for is missing, or a published tree is no longer asked for. */
  isOutdated(repository: Publishable): boolean;
  /** Renames the links after the repository was renamed; each link is replaced without a gap. */
  renameLinks(repository: RepositoryName & { id: number }): void;
  /** Unpublishes all trees of the repository. @returns whether readers may still use one of them */
  withdraw(id: number): boolean;
  /** Forgets the repository after its directory, including all trees, was deleted. */
  forget(id: number): void;
  /** Checks some of the trees; the trees whose last check is oldest come first. */
  check(): Promise<void>;
  /** Undefined means that CHECKOUTS does not include the repository. */
  of(id: number): CheckoutState[] | undefined;
  stop(): Promise<void>;
}

/** All trees of a repository are brought in step. */
export type PublishAll = Omit<PublishCall, "wanted">;

type Context = CheckoutsTools & CheckContext & { publishOne(call: PublishCall): Promise<void> };

export function createCheckouts(tools: CheckoutsTools): Checkouts {
  const context: Context = {
    ...tools,
    publishOne: createPublisher(tools),
    inTurn: createTurns(),
    timers: new Map(),
    stopped: false,
  };
  return {
    start: () => start(context),
    publish: (call) => publish(context, call),
    refs: (repository) =>
      wantedOf(tools, repository).map(({ ref }) => ref ?? `refs/heads/${repository.defaultBranch}`),
    has: (repository) => wantedOf(tools, repository).length > 0 || tools.ledger.of(repository.id).length > 0,
    isOutdated: (repository) => isOutdated(tools, repository, wantedOf(tools, repository)),
    check: () => checkTrees(context),
    renameLinks: (repository) => renameLinks(tools, repository),
    withdraw: (id) => withdrawAll(tools, id),
    forget: (id) => forget(tools, id),
    of: (id) => statesOf(tools, id),
    async stop() {
      context.stopped = true;
      for (const timer of context.timers.values()) clearTimeout(timer);
      context.inTurn.endChecks(null);
      await context.inTurn.idle();
    },
  };
}

const wantedOf = ({ selection }: CheckoutsTools, repository: Publishable): Wanted[] =>
  selection(fullName(repository));

function start(context: Context): void {
  const { ledger } = context;
  for (const id of ledger.ids()) startWith(context, id);
  if (ledger.ofOtherBoots(context.boot).length > 0) void checkTrees(context);
}

function startWith(context: Context, id: number): void {
  const { ledger, pool, log } = context;
  try {
    for (const slug of ledger.slugs(id)) pool.heal(id, slug, ledger.get(id, slug)?.link ?? "");
    tidy(context, id);
  } catch (error) {
    // The next refresh fails in the same way and reports the error; the other repositories start normally.
    log.warn(
      { event: "trees_start_failed", id, reason: asRefreshError(error).message },
      "published trees could not be checked",
    );
  }
}

async function publish(context: Context, call: PublishAll): Promise<RefreshError | null> {
  const { ledger, inTurn } = context;
  const { id } = call.repository;
  const wanted = wantedOf(context, call.repository);
  if (wanted.length === 0 && ledger.of(id).length === 0) return null;
  inTurn.endChecks(id);
  return inTurn(id, async () => {
    await checkOldTrees(context, id, call.signal);
    const failure = await publishEach(context, call, wanted);
    await withdrawUnwanted(context, id, new Set(wanted.map(({ slug }) => slug)));
    tidy(context, id);
    return failure;
  });
}

/** Publishes each checkout, even when another one fails. @returns the first failure */
async function publishEach(
  context: Context,
  call: PublishAll,
  wanted: Wanted[],
): Promise<RefreshError | null> {
  let failure: RefreshError | null = null;
  for (const one of wanted) {
    try {
      await context.publishOne({ ...call, wanted: one });
    } catch (error) {
      failure ??= asRefreshError(error);
    }
    call.onEnd();
  }
  return failure;
}

function withdrawAll(tools: CheckoutsTools, id: number): boolean {
  const { ledger, pool } = tools;
  for (const checkout of ledger.of(id)) if (checkout.n !== null) unpublish(tools, checkout);
  return ledger.slugs(id).some((slug) => ledger.trees(id, slug).some((tree) => !pool.graceIsOver(tree)));
}

function forget({ ledger, pool }: CheckoutsTools, id: number): void {
  for (const checkout of ledger.of(id)) pool.unlink(checkout);
  ledger.forget(id);
}

/** Lists the published trees of a repository, and the refs that keep their commits. */
export const publishedPins = (ledger: Pick<Ledger, "of">, id: number): Pin[] =>
  ledger.of(id).flatMap(({ slug, sha }) => (sha === null ? [] : [{ name: pinOf(slug), sha }]));

function statesOf({ ledger }: CheckoutsTools, id: number): CheckoutState[] | undefined {
  const all = ledger.of(id);
  if (all.length === 0) return undefined;
  return all.map(({ ref, link, sha, publishedAt, wanted, refusal, notes }) => ({
    ref,
    path: link,
    commit: sha,
    publishedAt,
    wanted,
    refusal,
    notes,
  }));
}
