import type { Log } from "../base/log.js";
import { type ScopeOf, ZERO } from "../base/model.js";
import { ALL_REFS, fullName, hasEscapedByte } from "../base/names.js";
import { matchesPattern } from "../base/patterns.js";
import { iso } from "../base/units.js";
import type { Layout } from "../git/disk/layout.js";
import type { KeptTip } from "../git/mirror/kept.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import { clash } from "../git/mirror/refs.js";
import type { HistoryPorts, HoldView, KeptView, Refusal } from "../http/history.js";
import type { RepositoryListPorts } from "../http/repository-lists.js";
import { allowCall } from "../refresh/guard.js";
import type { Hold, Holds } from "../refresh/holds.js";
import type { KeptTipPlace, KeptTips } from "../registry/kept-tips.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";

export interface HistoryTools {
  registry: Pick<Registry, "get">;
  mirrors: Pick<Mirrors, "keptTip" | "tip" | "tips">;
  keptTips: Pick<KeptTips, "page">;
  hasMirror(id: number): boolean;
  holds: Holds;
  scopeOf: ScopeOf;
  layout: Pick<Layout, "link">;
  keepHistoryMs: number;
  /** The server's address, without a trailing slash. */
  gitUrl: string;
  log: Pick<Log, "warn">;
  now(): number;
}

/** Shows kept tips and holds to the operator, by pages, and carries out the operator's actions on them. */
export function createHistoryViews(
  tools: HistoryTools,
): HistoryPorts & Pick<RepositoryListPorts, "kept" | "holds"> {
  const { registry, mirrors, holds } = tools;
  const holdOn = (id: number, ref: string) => holds.find(id, ref);

  /** @returns the ref's tip in the mirror; null: the ref does not exist there */
  async function currentTip(id: number, ref: string | null): Promise<string | null> {
    if (ref === null || ref === ALL_REFS || !tools.hasMirror(id)) return null;
    const tip = await mirrors.tip(id, ref);
    return tip === ZERO ? null : tip;
  }

  async function show(id: number, tip: KeptTip): Promise<KeptView> {
    const wanted = tip.ref === null ? undefined : holdOn(id, tip.ref)?.wanted;
    const github = wanted ?? (await currentTip(id, tip.ref)) ?? ZERO;
    return keptView(tools, registry.get(id)!, tip, github);
  }

  const findTip = async (id: number, name: string): Promise<KeptTip | null> =>
    tools.hasMirror(id) ? mirrors.keptTip(id, name) : null;

  async function kept(id: number, paging: { limit: number; after: KeptTipPlace | null }) {
    const { tips, next, total } = tools.keptTips.page(id, paging);
    // All refs are asked for at the same time, so that one git answers them together.
    return { kept: await Promise.all(tips.map((tip) => show(id, tip))), next, total };
  }

  async function keptTip(id: number, name: string) {
    const tip = await findTip(id, name);
    return tip && { kept: await show(id, tip), current: await currentTip(id, tip.ref) };
  }

  function heldRefs(id: number, { limit, after }: { limit: number; after: [string] | null }) {
    const page = holds.page(id, { limit, after: after?.[0] ?? null });
    // Most repositories have none, and an open page asks again and again.
    const repository = page.holds.length > 0 ? registry.get(id) : null;
    return {
      holds: repository ? page.holds.map((hold) => holdView(tools, repository, hold)) : [],
      next: page.next === null ? null : ([page.next] as [string]),
      total: holds.count(id),
    };
  }

  function allow(id: number, ref: string, wanted: string | undefined): Refusal | null {
    const hold = holdOn(id, ref);
    if (!hold) return notHeld(ref);
    if (wanted !== undefined && wanted !== hold.wanted) return refMoved(hold);
    holds.allow(id, ref, hold.wanted);
    return null;
  }

  async function restore(id: number, name: string, requested: string | undefined): Promise<Refusal | null> {
    const tip = await findTip(id, name);
    if (!tip) return notKept(name);
    const ref = tip.ref ?? requested;
    if (ref === undefined || (requested !== undefined && requested !== ref)) return otherRef(tip);
    if (!matchesPattern(ref, tools.scopeOf(id).refspecs)) return outside(ref);
    const tips = await mirrors.tips(id);
    const other = [...tips.keys()].find((one) => clash(one, ref));
    if (other !== undefined) return inTheWay(ref, other);
    const wanted = holdOn(id, ref)?.wanted ?? tips.get(ref) ?? ZERO;
    const hold: Hold = { ref, tip: tip.sha, wanted, since: tools.now(), cause: "restored", allowed: null };
    holds.restore(id, hold);
    const repository = registry.get(id)!;
    const about = { repository: fullName(repository), ref, tip: tip.sha, wanted };
    tools.log.warn(
      { event: "ref_restored", ...about, allow: allowCall(repository, hold) },
      "restored a ref to a kept tip and holds it there",
    );
    return null;
  }

  return {
    kept,
    keptTip,
    holds: heldRefs,
    allow,
    restore,
    stillHeld(id, ref) {
      const hold = holdOn(id, ref);
      return hold ? refMoved(hold) : null;
    },
  };
}

function holdView(tools: HistoryTools, repository: ManagedRepository, hold: Hold): HoldView {
  const { ref, tip, wanted, since, cause } = hold;
  const push = pushCommand(tools, repository, { from: ref, ref, github: wanted });
  return { ref, tip, wanted, since: iso(since), cause, allow: allowCall(repository, hold), push };
}

function keptView(
  tools: HistoryTools,
  repository: ManagedRepository,
  { name, ref, sha, at }: KeptTip,
  github: string,
): KeptView {
  const { owner, name: repo } = repository;
  return {
    name,
    ref,
    sha,
    keptAt: iso(at),
    expiresAt: iso(at + tools.keepHistoryMs),
    restore: `POST /api/v1/repos/${owner}/${repo}/restore ${JSON.stringify({ kept: name })}`,
    push: ref && pushCommand(tools, repository, { from: name, ref, github }),
  };
}

/** GitHub refuses this push when the ref has moved since, so no later push is lost. */
function pushCommand(
  { layout, gitUrl }: HistoryTools,
  { owner, name }: ManagedRepository,
  { from, ref, github }: { from: string; ref: string; github: string },
): string {
  const git = ["git", `--git-dir=${layout.link({ owner, name })}`, "push"];
  const all = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];
  if (ref === ALL_REFS) return [...git, `${gitUrl}/${owner}/${name}.git`, ...all].map(quote).join(" ");
  const lease = `--force-with-lease=${ref}:${github === ZERO ? "" : github}`;
  return [...git, lease, `${gitUrl}/${owner}/${name}.git`, `${from}:${ref}`].map(quote).join(" ");
}

/** A branch may be named `$(…)`; a shell must not run that name when an operator pastes the command. */
function quote(word: string): string {
  // Only this form of quotes makes bytes from what Lockstep writes for bytes that are not UTF-8.
  if (hasEscapedByte(word)) return `$'${word.replaceAll("'", "\\'")}'`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const notHeld = (ref: string): Refusal => ({
  status: 404,
  reason: "not_held",
  detail: `${ref} is not held`,
  remedy: "see the holds field of GET /api/v1/repos/{owner}/{name}",
});

const refMoved = ({ ref, wanted }: Hold): Refusal => ({
  status: 409,
  reason: "moved_on",
  detail: `GitHub has ${wanted} for ${ref} now`,
  remedy: `check it, then allow it with "wanted": "${wanted}"`,
});

const notKept = (name: string): Refusal => ({
  status: 404,
  reason: "not_kept",
  detail: `${name} is not a kept tip of this repository`,
  remedy: "see the kept field of GET /api/v1/repos/{owner}/{name}; it may have expired",
});

const otherRef = ({ ref }: KeptTip): Refusal => ({
  status: 400,
  reason: "bad_request",
  detail: `the kept tip belongs to ${ref ?? "a ref whose name is too long"}`,
  remedy: ref === null ? 'name the ref as "ref"' : 'leave "ref" out',
});

const outside = (ref: string): Refusal => ({
  status: 409,
  reason: "outside_refspecs",
  detail: `${ref} is no longer covered by REFSPECS`,
  remedy: "add it to REFSPECS, or push the kept tip to GitHub",
});

const inTheWay = (ref: string, other: string): Refusal => ({
  status: 409,
  reason: "ref_in_the_way",
  detail: `${ref} cannot exist beside ${other}`,
  remedy: `delete ${other} at GitHub, or push the kept tip there under another name`,
});
