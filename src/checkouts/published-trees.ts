import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { type Selection, type Wanted, writeOptions } from "../config/checkouts.js";
import { linkTarget, pointLink } from "../git/disk/layout.js";
import { type Pin, pinOf } from "../git/mirror/pins.js";
import { treeDir } from "../git/tree/trees.js";
import { type Checkout, type Ledger, type Refusal, type Tree, writtenTo } from "./ledger.js";
import { BOOT } from "./pool.js";
import { createPublisher, type Publishable, type PublishTools } from "./publish.js";

export interface CheckoutsTools extends PublishTools {
  selection: Selection;
  graceMs: number;
  /** Asks for a refresh of a repository whose published tree is not as it should be. */
  request(id: number): void;
}

/** As the API shows it; times in milliseconds. */
export interface CheckoutState {
  ref: string;
  path: string;
  commit: string | null;
  publishedAt: number | null;
  wanted: string | null;
  refusal: Refusal | null;
}

export interface Checkouts {
  /** Puts right what a killed process left, and looks at what this machine wrote before it was started anew. */
  start(): void;
  /** Brings every published tree of a repository in step with its ref. @returns the first failure */
  publish(repository: Publishable, again: boolean, signal: AbortSignal): Promise<RefreshError | null>;
  /** Whether anything that CHECKOUTS asks for is missing, or published and no longer asked for. */
  isOutdated(repository: Publishable): boolean;
  /** The repository has this name now: its links follow, without a moment's gap. */
  named(repository: RepositoryName & { id: number }): void;
  /** Takes all its trees from their names. @returns whether readers may still hold one */
  withdraw(id: number): boolean;
  /** Its directory is deleted, trees and all. */
  forget(id: number): void;
  /** Looks at some of the trees, those first that were not looked at for the longest. */
  check(): Promise<void>;
  /** Undefined: CHECKOUTS leaves it out. */
  of(id: number): CheckoutState[] | undefined;
  stop(): Promise<void>;
}

/** Each pass of the backstop looks at this share of all trees. */
const CHECKED_SHARE = 1 / 12;
const LOGGED = 10;

export function createCheckouts(tools: CheckoutsTools): Checkouts {
  const { selection, ledger, pool, trees, layout, log, now } = tools;
  const publishOne = createPublisher(tools);
  const inTurn = createTurns();
  const timers = new Map<number, NodeJS.Timeout>();
  let stopped = false;

  const wantedOf = (repository: Publishable): Wanted[] => selection(fullName(repository));

  async function publish(repository: Publishable, again: boolean, signal: AbortSignal) {
    const wanted = wantedOf(repository);
    if (wanted.length === 0 && ledger.of(repository.id).length === 0) return null;
    return inTurn(repository.id, async () => {
      let failure: RefreshError | null = null;
      for (const one of wanted) {
        try {
          const ref = one.ref ?? `refs/heads/${repository.defaultBranch}`;
          const tip = await tools.tip(repository.id, ref);
          await publishOne({ repository, wanted: one, again, signal }, tip);
        } catch (error) {
          failure ??= asRefreshError(error);
        }
      }
      await withdraw(repository.id, new Set(wanted.map(({ slug }) => slug)));
      tidy(repository.id);
      return failure;
    });
  }

  /** What CHECKOUTS no longer asks for, and what was of a ref that is gone for longer than the grace. */
  async function withdraw(id: number, slugs: Set<string>): Promise<void> {
    for (const checkout of ledger.of(id)) {
      const { slug, missingSince, n } = checkout;
      pool.heal(id, slug, checkout.link);
      const isGone = slug !== "" && missingSince !== null && missingSince + tools.graceMs <= now();
      if (slugs.has(slug) && !(isGone && n !== null)) continue;
      ledger.transaction(() => {
        takeAway(checkout);
        if (!slugs.has(slug)) ledger.drop(id, slug);
      });
      log.info({ link: checkout.link, ref: checkout.ref }, "no longer published");
      tools.blobs.forget(id, slug);
      await tools.pins.drop(layout.mirror(id), slug);
    }
  }

  function takeAway(checkout: Checkout): void {
    ledger.transaction(() => {
      pool.withdraw(checkout);
      ledger.put({ ...checkout, n: null, tip: null, sha: null, publishedAt: null });
    });
  }

  /** Removes what is due, and comes back for what is not yet. */
  function tidy(id: number): void {
    const waits = ledger.of(id).filter(({ n, slug, missingSince }) => n !== null && slug && missingSince);
    const times = waits.map(({ missingSince }) => missingSince! + tools.graceMs);
    for (const slug of ledger.slugs(id)) times.push(pool.tidy(id, slug) ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...times);
    clearTimeout(timers.get(id));
    timers.delete(id);
    if (stopped || next === Number.POSITIVE_INFINITY) return;
    timers.set(id, setTimeout(() => comeBack(id), Math.max(next - now(), 10)).unref());
  }

  function comeBack(id: number): void {
    void inTurn(id, async () => {
      if (stopped) return;
      await withdraw(id, new Set(ledger.of(id).map(({ slug }) => slug)));
      tidy(id);
    }).catch((error) => log.warn({ id, err: error }, "old trees could not be removed"));
  }

  async function look(tree: Tree): Promise<void> {
    const { id, slug, n } = tree;
    const found = stopped ? null : ledger.tree(id, slug, n);
    if (found?.state !== "ready") return;
    const content = found.boot !== BOOT;
    const differences = await trees.differences(pool.place(found), writtenTo(found)!, content);
    const checked = { ...found, checkedAt: now(), boot: BOOT };
    if (differences.length === 0) return ledger.putTree(checked);
    const details = { tree: treeDir(pool.place(found)), differences: differences.slice(0, LOGGED) };
    log.warn({ ...details, count: differences.length }, "a tree is not as its commit has it; it is replaced");
    ledger.putTree({ ...checked, state: "spoilt" });
    if (ledger.get(id, slug)?.n === n) tools.request(id);
    else tidy(id);
  }

  async function check(): Promise<void> {
    for (const tree of [...ledger.ofOtherBoots(BOOT), ...ledger.leastChecked(CHECKED_SHARE)])
      await inTurn(tree.id, () => look(tree).catch((error) => notChecked(tree, asRefreshError(error))));
  }

  /** Its mirror may be replaced or deleted at this moment: that says nothing of the tree. Others have their turn. */
  function notChecked({ id, slug, n }: Tree, error: RefreshError): void {
    const found = stopped ? null : ledger.tree(id, slug, n);
    if (found?.state !== "ready") return;
    log.warn({ id, tree: n, reason: error.message }, "a tree could not be checked");
    const isShown = ledger.get(id, slug)?.n === n;
    // One that nobody sees is made anew when it is needed, and with one that is seen comes what it is made of.
    const isSpoilt = !isShown || tools.blobs.mayLack(id, error);
    ledger.putTree({ ...found, checkedAt: now(), ...(isSpoilt ? { state: "spoilt" } : {}) });
    if (!isShown) tidy(id);
    else if (isSpoilt) tools.request(id);
  }

  function isOutdated(repository: Publishable): boolean {
    const known = new Map(ledger.of(repository.id).map((checkout) => [checkout.slug, checkout]));
    const wanted = wantedOf(repository);
    if (known.size > wanted.length) return true;
    return wanted.some((one) => {
      const { slug } = one;
      const checkout = known.get(slug);
      if (!checkout || checkout.refusal) return !checkout;
      if (checkout.link !== layout.checkout(repository, slug) || checkout.n === null) return true;
      if (ledger.tree(repository.id, slug, checkout.n)?.state !== "ready") return true;
      return checkout.options !== writeOptions(one) || linkTarget(checkout.link) !== treeOf(checkout);
    });
  }

  function startWith(id: number): void {
    try {
      for (const slug of ledger.slugs(id)) pool.heal(id, slug, ledger.get(id, slug)?.link ?? "");
      tidy(id);
    } catch (error) {
      // Its next refresh meets it again, and says so; the others start.
      log.warn({ id, reason: asRefreshError(error).message }, "published trees could not be looked at");
    }
  }

  function rename(checkout: Checkout, link: string): void {
    const dir = treeOf(checkout);
    if (dir === null) return;
    try {
      pointLink(link, dir);
      ledger.put({ ...checkout, link });
      pool.unlink(checkout);
    } catch (error) {
      // Something else has the name: the next publish says so, the mirror goes on.
      log.warn({ link, reason: asRefreshError(error).message }, "a link could not be renamed");
    }
  }

  const treeOf = ({ id, slug, n }: Checkout): string | null =>
    n === null ? null : treeDir({ base: layout.trees(id, slug), n });

  return {
    ...{ publish, isOutdated, check },
    start() {
      for (const id of ledger.ids()) startWith(id);
      if (ledger.ofOtherBoots(BOOT).length > 0) void check();
    },
    named(repository) {
      for (const checkout of ledger.of(repository.id)) {
        const link = layout.checkout(repository, checkout.slug);
        if (link !== checkout.link) rename(checkout, link);
      }
    },
    withdraw(id) {
      for (const checkout of ledger.of(id)) if (checkout.n !== null) takeAway(checkout);
      return ledger.slugs(id).some((slug) => ledger.trees(id, slug).some((tree) => !pool.graceIsOver(tree)));
    },
    forget(id) {
      for (const checkout of ledger.of(id)) pool.unlink(checkout);
      ledger.forget(id);
    },
    of(id) {
      const all = ledger.of(id);
      if (all.length === 0) return undefined;
      return all.map(({ ref, link: path, sha: commit, publishedAt, wanted, refusal }) => ({
        ...{ ref, path, commit, publishedAt, wanted, refusal },
      }));
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await inTurn.idle();
    },
  };
}

/** What is published of a repository, and the refs that would keep it. */
export const publishedPins = (ledger: Pick<Ledger, "of">, id: number): Pin[] =>
  ledger.of(id).flatMap(({ slug, sha }) => (sha === null ? [] : [{ name: pinOf(slug), sha }]));

/** One at a time for each repository, in the order in which they come. */
function createTurns() {
  const last = new Map<number, Promise<unknown>>();
  const inTurn = <T>(id: number, act: () => Promise<T>): Promise<T> => {
    const turn = (last.get(id) ?? Promise.resolve()).then(act);
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (last.get(id) === settled) last.delete(id);
      });
    last.set(id, settled);
    return turn;
  };
  return Object.assign(inTurn, { idle: () => Promise.all([...last.values()]) });
}
