import { asRefreshError, RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type RepositoryName, ZERO } from "../base/model.js";
import { fullName } from "../base/names.js";
import { readOptions, type Wanted, writeOptions } from "../config/checkouts.js";
import { type Layout, pointLink } from "../git/disk/layout.js";
import type { Pins } from "../git/mirror/pins.js";
import type { Visit } from "../git/mirror/writers.js";
import type { RunGit } from "../git/run/exec.js";
import { type Trees, treeDir } from "../git/tree/trees.js";
import type { Blobs } from "./blobs.js";
import { type Candidate, described, type Verdict } from "./candidate.js";
import { commitOf } from "./commit-of.js";
import type { Content, Contents } from "./contents.js";
import type { Gate } from "./gate.js";
import { isInStep, isMoved } from "./in-step.js";
import { type Checkout, newCheckout } from "./ledger.js";
import type { Pool } from "./pool.js";
import type { PoolTools } from "./pool-context.js";
import { type RefuseTools, refuse, refuseMissing } from "./refuse.js";
import { reportNotes } from "./report-notes.js";
import { type LimitTools, withinLimits } from "./within-limits.js";
import { inspect, settle, writeFiles } from "./write-files.js";

export interface PublishTools extends RefuseTools, LimitTools {
  pool: Pool;
  trees: Trees;
  gate: Gate;
  contents: Contents;
  blobs: Blobs;
  pins: Pins;
  git: RunGit;
  layout: Layout;
  /** Returns the object of a ref; its caller visits the mirror. */
  tip(id: number, ref: string): Promise<string>;
  visit: Visit;
  /** Announces the change; must be called in the transaction that records the publishing. */
  published: PoolTools["published"];
  log: Pick<Log, "info" | "warn">;
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
  /** Returns the repository as it is now; null: its name is another's, or it is no longer managed. */
  current(): Publishable | null;
  /** Called once the end of the publish is recorded, before its pins are settled; may be called again. */
  onEnd(): void;
}

/** What a publish is about to do, decided during a visit. */
interface Begun {
  candidate: Publishing;
  known: Checkout | null;
  next: Checkout;
  /** Whether the ref's commit was refused, so that only the earlier tree is repaired. */
  isRefused: boolean;
}

/** Brings one published tree in step with its ref. */
export function createPublisher(tools: PublishTools) {
  const { ledger, pool, gate, contents, blobs, pins, git, layout, log, visit, now } = tools;

  return async function publish(call: PublishCall): Promise<void> {
    const { repository, wanted, signal } = call;
    const { id } = repository;
    const { slug } = wanted;
    pool.heal(id, slug, ledger.get(id, slug)?.link ?? layout.checkout(repository, slug));
    // The commit is held before anything reads it. What follows holds up no refresh.
    const begun = await visit(id, signal, () => begin(call));
    if (!begun) return;
    try {
      await finish(call, begun);
    } finally {
      pins.release(layout.mirror(id), slug);
    }
  };

  /** Publishes what a visit has begun. */
  async function finish(call: PublishCall, { candidate, known, next, isRefused }: Begun): Promise<void> {
    const { repository, signal } = call;
    const { id } = repository;
    const offer = async () =>
      (isRefused ? null : await gate.signature(candidate)) ??
      put(next, candidate, { gated: !isRefused, call });
    const verdict = await offer().catch(async (error) => {
      if (known && !signal.aborted) await keep(known, { ...candidate, ref: known.ref }, call);
      throw error;
    });
    if (verdict)
      refuse(tools, { repository, checkout: known ?? next, ref: candidate.ref }, verdict, candidate);
    call.onEnd();
    await visit(id, signal, () => (verdict || isRefused ? pinPublished : unpin)(next));
  }

  /** Decides what is to be published, and holds it. @returns null: nothing is left to do */
  async function begin({ repository, wanted, retryRefused }: PublishCall): Promise<Begun | null> {
    const { id } = repository;
    const { slug } = wanted;
    const mirror = layout.mirror(id);
    const link = layout.checkout(repository, slug);
    const ref = wanted.ref ?? `refs/heads/${repository.defaultBranch}`;
    const tip = await tools.tip(id, ref);
    const known = seen(ledger.get(id, slug), tip);
    // A refused tip is not built again; the earlier tree stays as the gate accepted it, and is repaired where
    // it differs.
    const isRefused = known?.refusal?.tip === tip && !retryRefused;
    const asked = isRefused ? {} : { ref, options: writeOptions(wanted) };
    const next = { ...(known ?? newCheckout(id, slug, link)), ...asked };
    const target = isRefused ? known.tip : tip;
    if (target === null) return null;
    const of = { repository, checkout: known ?? next, ref };
    if (known && isInStep(tools, known, { ...next, link, tip: target })) {
      if (!isRefused && known.refusal) ledger.put({ ...known, wanted: known.sha, refusal: null });
      await (isRefused ? pinPublished : unpin)(known);
      return null;
    }
    const sha = target === ZERO ? null : await commitOf(git, { mirror, tip: target, ref });
    if (sha === null) {
      if (target === ZERO) refuseMissing(tools, of);
      else refuse(tools, of, { reason: "not_a_commit", output: "" }, { tip: target, sha });
      await pinPublished(of.checkout);
      return null;
    }
    pins.hold(mirror, slug, sha);
    const candidate = { repository, mirror, ref, tip: target, sha, before: known?.sha ?? null };
    return { candidate, known, next, isRefused };
  }

  /** Keeps the published tree when the ref moved to a commit that cannot be published yet. */
  async function keep(known: Checkout, candidate: Publishing, call: PublishCall): Promise<void> {
    await visit(known.id, call.signal, () => pinPublished(known));
    const { tip, sha, link } = known;
    if (tip === null || sha === null || isInStep(tools, known, known) || isMoved(tools, known)) return;
    await put(known, { ...candidate, tip, sha, before: sha }, { gated: false, call }).catch((error) =>
      log.warn(
        { event: "tree_repair_failed", link, reason: asRefreshError(error).message },
        "the published tree could not be repaired",
      ),
    );
  }

  /** @returns the gate's reason for not publishing; null when the tree was published */
  function put(next: Checkout, candidate: Publishing, how: How): Promise<Verdict> {
    return withinLimits(tools, how.call.signal, (signal) =>
      build(next, candidate, { ...how, call: { ...how.call, signal } }),
    );
  }

  async function build(next: Checkout, candidate: Publishing, how: How): Promise<Verdict> {
    const { repository, mirror } = candidate;
    const { signal } = how.call;
    const base = layout.trees(next.id, next.slug);
    const of = { repository, commit: candidate.sha, options: readOptions(next.options), signal };
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
    const { signal } = how.call;
    const { tip, sha } = candidate;
    const startedAt = performance.now();
    const { tree, from } = pool.take({ id, slug, options }, sha, content.sha);
    await content.hold(tree.n);
    const needsIndex = how.gated && gate.hasHook;
    const { changed, settle: rest } = await writeFiles(tools, tree, { from, needsIndex }, signal);
    const verdict = how.gated ? await inspect(tools, tree, candidate, signal) : null;
    if (verdict) {
      ledger.putTree({ ...tree, state: "ready" });
      return verdict;
    }
    const dir = treeDir(pool.place(tree));
    const link = linkNow(how.call);
    const former = ledger.get(id, slug);
    // The ledger names the link first, so a process killed right after linking leaves a link whose owner is
    // known.
    if (!former) ledger.put({ ...next, link });
    pointLink(link, dir);
    // Until the ledger records the publishing, only the link shows which tree is published.
    pool.doubt(id, slug);
    ledger.transaction(() => {
      if (former) pool.withdraw(former);
      ledger.putTree({ ...tree, state: "ready" });
      const published = { n: tree.n, tip, sha, wanted: sha, publishedAt: now(), link };
      const fields = how.gated ? { refusal: null } : { wanted: next.wanted };
      ledger.put({ ...next, ...published, notes: content.notes, missingSince: null, ...fields });
      const { ref, before } = candidate;
      tools.published(id, { ref, path: link, before: before ?? ZERO, after: sha });
    });
    pool.trust(id, slug);
    reportNotes(log, described(candidate), former?.notes ?? [], content.notes);
    const durationMs = Math.round(performance.now() - startedAt);
    log.info({ event: "published", ...described(candidate), tree: dir, changed, durationMs }, "published");
    if (rest) {
      how.call.onEnd();
      await settle(tools, tree, rest);
    }
    const existing = ledger.trees(id, slug).map(({ n }) => n);
    await content
      .tidy(existing)
      .catch((error) =>
        log.warn({ event: "contents_cleanup_failed", err: error }, "old contents could not be removed"),
      );
    return null;
  }

  /**
   * Pins the published commit, so that the tree can be repaired after its ref moved or was deleted. The caller is the
   * mirror's visitor.
   */
  async function pinPublished({ id, slug }: Checkout): Promise<void> {
    const sha = ledger.get(id, slug)?.sha ?? null;
    const mirror = layout.mirror(id);
    await (sha === null ? pins.drop(mirror, slug) : pins.set(mirror, slug, sha));
  }

  /** Unpins the commits, which their own ref keeps. The caller visits the mirror. */
  function unpin({ id, slug }: Checkout): Promise<void> {
    return pins.drop(layout.mirror(id), slug);
  }

  /** Returns the link that the repository has now: it may have been renamed, or have lost its name, meanwhile. */
  function linkNow({ repository, wanted, current }: PublishCall): string {
    const now = current();
    if (!now) throw new RefreshError("moved", `${fullName(repository)} is no longer this repository's name`);
    return layout.checkout(now, wanted.slug);
  }

  /** Clears the deletion mark of a ref that exists again, whether or not its commit can be published. */
  function seen(known: Checkout | null, tip: string): Checkout | null {
    if (!known?.missingSince || tip === ZERO) return known;
    const returned = { ...known, missingSince: null };
    ledger.put(returned);
    return returned;
  }
}

type Publishing = Candidate & { repository: Publishable };

interface How {
  /** Whether the gate has not accepted the commit yet. */
  gated: boolean;
  call: PublishCall;
}
