import { existsSync } from "node:fs";
import { asRefreshError, RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type CheckoutChange, type RepositoryName, ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import { readOptions, type Wanted, writeOptions } from "../config/checkouts.js";
import { type Layout, linkTarget, pointLink } from "../git/disk/layout.js";
import type { Pins } from "../git/mirror/pins.js";
import type { RunGit } from "../git/run/exec.js";
import { type Trees, treeDir } from "../git/tree/trees.js";
import type { Blobs } from "./blobs.js";
import type { Content, Contents } from "./contents.js";
import type { Candidate, Gate, Verdict } from "./gate.js";
import { type Checkout, fresh, type Ledger, type Tree, writtenTo } from "./ledger.js";
import type { Pool } from "./pool.js";
import { reportNotes } from "./report-notes.js";
import { type LimitTools, withinLimits } from "./within-limits.js";

export interface PublishTools extends LimitTools {
  ledger: Ledger;
  pool: Pool;
  trees: Trees;
  gate: Gate;
  contents: Contents;
  blobs: Blobs;
  pins: Pins;
  git: RunGit;
  layout: Layout;
  tip(id: number, ref: string): Promise<string>;
  /** Announces the change; must be called in the transaction that records the publishing. */
  published(id: number, change: CheckoutChange): void;
  log: Pick<Log, "info" | "warn">;
  now(): number;
}

export interface Publishable extends RepositoryName {
  id: number;
  installationId: number;
  defaultBranch: string;
}

export interface PublishCall {
  repository: Publishable;
  wanted: Wanted;
  /** Whether a commit that the gate refused is offered once more. */
  retryRefused: boolean;
  signal: AbortSignal;
}

/** Brings one published tree in step with its ref. */
export function createPublisher(tools: PublishTools) {
  const { ledger, pool, trees, gate, contents, blobs, pins, git, layout, log, now } = tools;
  /** @param tip the object that the ref points at in the mirror */
  return async function publish({ repository, wanted, retryRefused, signal }: PublishCall, tip: string) {
    const { id } = repository;
    const { slug } = wanted;
    const link = layout.checkout(repository, slug);
    pool.heal(id, slug, ledger.get(id, slug)?.link ?? link);
    const known = seen(ledger.get(id, slug), tip);
    const ref = wanted.ref ?? `refs/heads/${repository.defaultBranch}`;
    // A refused tip is not built again; the earlier tree stays as the gate accepted it, and is repaired where
    // it differs.
    const refused = known?.refusal?.tip === tip && !retryRefused;
    const asked = refused ? {} : { ref, options: writeOptions(wanted) };
    const next = { ...(known ?? fresh(id, slug, link)), ...asked };
    const target = refused ? known.tip : tip;
    if (target === null) return;
    const mirror = layout.mirror(id);
    if (known && isInStep(known, { ...next, link, tip: target })) {
      if (refused) return pin(known);
      if (known.refusal) ledger.put({ ...known, wanted: known.sha, refusal: null });
      return pins.drop(mirror, slug);
    }
    const about = { repository, checkout: known ?? next, ref };
    if (target === ZERO) return missing(about);
    const sha = await commitOf(mirror, target, ref);
    if (sha === null) return refuse(about, { reason: "not_a_commit", output: "" }, target, null);
    const candidate = { repository, mirror, ref, tip: target, sha, before: known?.sha ?? null };
    const offer = async () =>
      (refused ? null : await gate.signature(candidate)) ??
      put(next, candidate, { link, gated: !refused, signal });
    const verdict = await offer().catch(async (error) => {
      if (known && !signal.aborted) await keep(known, { ...candidate, ref: known.ref }, signal);
      throw error;
    });
    if (verdict) return refuse(about, verdict, target, sha);
    if (!refused) await pins.drop(mirror, slug);
  };

  /** Keeps the published tree when the ref moved to a commit that cannot be published yet. */
  async function keep(known: Checkout, candidate: Publishing, signal: AbortSignal): Promise<void> {
    await pin(known);
    const { tip, sha, link } = known;
    if (tip === null || sha === null || isInStep(known, known) || isMoved(known)) return;
    await put(known, { ...candidate, tip, sha, before: sha }, { link, gated: false, signal }).catch((error) =>
      log.warn(
        { event: "tree_repair_failed", link, reason: asRefreshError(error).message },
        "the published tree could not be repaired",
      ),
    );
  }

  /** @returns the gate's reason for not publishing; null when the tree was published */
  function put(next: Checkout, candidate: Publishing, how: How): Promise<Verdict> {
    return withinLimits(tools, how.signal, (signal) => build(next, candidate, { ...how, signal }));
  }

  async function build(next: Checkout, candidate: Publishing, how: How): Promise<Verdict> {
    const { repository, mirror } = candidate;
    const base = layout.trees(next.id, next.slug);
    const of = { repository, commit: candidate.sha, options: readOptions(next.options), signal: how.signal };
    const call = { ...of, base, mirror, slug: next.slug };
    const attempt = async () => {
      await pool.claim(next.id, next.slug);
      await contents.count(call);
      await blobs.fetch(call);
      const content = await contents.of(call);
      return putContent(next, candidate, content, how);
    };
    try {
      return await attempt();
    } catch (error) {
      const recovered = [blobs.recover(error, call), contents.recover(error, call)];
      if (!recovered.includes(true)) throw error;
      return attempt();
    }
  }

  async function putContent(
    next: Checkout,
    candidate: Publishing,
    content: Content,
    how: How,
  ): Promise<Verdict> {
    const { id, slug, options } = next;
    const { tip, sha } = candidate;
    const startedAt = performance.now();
    const { tree, from } = pool.take({ id, slug, options }, sha, content.sha);
    await content.hold(tree.n);
    const changed = await write(tree, from, how.signal);
    const verdict = how.gated ? await inspected(tree, candidate, how.signal) : null;
    if (verdict) {
      ledger.putTree({ ...tree, state: "ready" });
      return verdict;
    }
    const dir = treeDir(pool.place(tree));
    const former = ledger.get(id, slug);
    // The ledger names the link first, so a process killed right after linking leaves a link whose owner is
    // known.
    if (!former) ledger.put({ ...next, link: how.link });
    pointLink(how.link, dir);
    // Until the ledger records the publishing, only the link shows which tree is published.
    pool.doubt(id, slug);
    ledger.transaction(() => {
      if (former) pool.withdraw(former);
      ledger.putTree({ ...tree, state: "ready" });
      const published = { n: tree.n, tip, sha, wanted: sha, publishedAt: now(), link: how.link };
      const fields = how.gated ? { refusal: null } : { wanted: next.wanted };
      ledger.put({ ...next, ...published, notes: content.notes, missingSince: null, ...fields });
      const { ref, before } = candidate;
      tools.published(id, { ref, path: how.link, before: before ?? ZERO, after: sha });
    });
    pool.trust(id, slug);
    reportNotes(log, described(candidate), former?.notes ?? [], content.notes);
    const durationMs = Math.round(performance.now() - startedAt);
    log.info({ event: "published", ...described(candidate), tree: dir, changed, durationMs }, "published");
    const existing = ledger.trees(id, slug).map(({ n }) => n);
    await content
      .tidy(existing)
      .catch((error) =>
        log.warn({ event: "contents_cleanup_failed", err: error }, "old contents could not be removed"),
      );
    return null;
  }

  /** @returns the number of files written in place; null when the whole tree was written */
  async function write(tree: Tree, from: string | null, signal: AbortSignal): Promise<number | null> {
    const place = pool.place(tree);
    try {
      const changed = from === null ? null : await trees.update(place, from, writtenTo(tree)!, signal);
      if (changed !== null) return changed;
    } catch (error) {
      // The tree is rebuilt when someone changed it or its old commit is no longer in the mirror.
      const { code, message } = asRefreshError(error);
      if (signal.aborted || code === "disk_full") throw error;
      log.warn(
        { event: "tree_rebuilt", tree: treeDir(place), code, reason: message },
        "a tree could not be updated; it is rebuilt",
      );
    }
    await trees.build(place, writtenTo(tree)!, signal);
    return null;
  }

  async function inspected(tree: Tree, candidate: Candidate, signal: AbortSignal): Promise<Verdict> {
    if (!gate.hasHook) return null;
    const place = pool.place(tree);
    const verdict = await gate.inspect(candidate, treeDir(place), signal);
    if (signal.aborted) throw new RefreshError("cancelled", "the pre-publish hook was stopped");
    const differences = await trees.differences(place, writtenTo(tree)!);
    if (differences.length === 0) return verdict;
    log.warn(
      { event: "tree_rebuilt", ...described(candidate), differences: differences.slice(0, 10) },
      "the pre-publish hook changed the tree; it is rebuilt",
    );
    await trees.build(place, writtenTo(tree)!, signal);
    return verdict;
  }

  async function refuse(
    { repository, checkout, ref }: Of,
    why: NonNullable<Verdict>,
    tip: string,
    sha: string | null,
  ): Promise<void> {
    ledger.put({ ...checkout, wanted: sha, refusal: { ...why, at: now(), tip } });
    await pin(checkout);
    const details = { repository: fullName(repository), ref, commit: sha, published: checkout.sha, ...why };
    log.warn({ event: "publish_refused", ...details }, "commit not published; the old tree stays");
  }

  /** Handles a deleted ref: the default branch's tree stays, and any other tree stays for the grace. */
  async function missing({ repository, checkout, ref }: Of): Promise<void> {
    const refusal = { reason: "missing" as const, output: `the mirror has no ${ref}`, at: now(), tip: ZERO };
    ledger.put({ ...checkout, wanted: null, missingSince: checkout.missingSince ?? now(), refusal });
    await pin(checkout);
    log.warn(
      { event: "published_ref_deleted", repository: fullName(repository), ref },
      "the ref of a published tree was deleted",
    );
  }

  /** Pins the published commit, so that the tree can be repaired after its ref moved or was deleted. */
  async function pin({ id, slug, sha }: Checkout): Promise<void> {
    if (sha !== null) await pins.set(layout.mirror(id), slug, sha);
  }

  /** Clears the deletion mark of a ref that exists again, whether or not its commit can be published. */
  function seen(known: Checkout | null, tip: string): Checkout | null {
    if (!known?.missingSince || tip === ZERO) return known;
    const returned = { ...known, missingSince: null };
    ledger.put(returned);
    return returned;
  }

  /** Resolves a ref's object to a commit; null when the object is neither a commit nor a tag of one. */
  async function commitOf(mirror: string, tip: string, ref: string): Promise<string | null> {
    if (ref.startsWith("refs/heads/")) return tip;
    // git rev-parse --verify --quiet <tip>^{commit}
    const args = ["rev-parse", "--verify", "--quiet", `${tip}^{commit}`];
    const { stdout } = await git({ args, gitDir: mirror, timeoutMs: 60_000, okCodes: [0, 1] });
    return stdout.trim() || null;
  }

  /** The link leads to a newer tree that the ledger does not record yet. */
  function isMoved({ id, slug, n, link }: Checkout): boolean {
    const shown = linkTarget(link);
    const isOwn = n !== null && shown === treeDir({ base: layout.trees(id, slug), n });
    return shown !== null && !isOwn && existsSync(shown);
  }

  /** Compares the ledger with the link and the tree; costs one lookup each. */
  function isInStep(known: Checkout | null, wanted: Checkout): boolean {
    if (!known || known.n === null || known.tip !== wanted.tip) return false;
    if (known.ref !== wanted.ref || known.options !== wanted.options || known.link !== wanted.link)
      return false;
    const tree = ledger.tree(known.id, known.slug, known.n);
    const dir = tree && treeDir(pool.place(tree));
    return tree?.state === "ready" && linkTarget(known.link) === dir && existsSync(dir!);
  }
}

type Publishing = Candidate & { repository: Publishable };

interface How {
  link: string;
  gated: boolean;
  signal: AbortSignal;
}

interface Of {
  repository: Publishable;
  checkout: Checkout;
  ref: string;
}

const described = ({ repository, ref, sha, before }: Candidate) => ({
  repository: fullName(repository),
  ref,
  commit: sha,
  before,
});
