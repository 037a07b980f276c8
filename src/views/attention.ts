import { fullName, fullNameOrId } from "../base/names.js";
import { iso } from "../base/units.js";
import { type AttentionView, MAX_ATTENTION } from "../http/attention.js";
import type { OutageView } from "../http/log-view.js";
import type { StatusView } from "../http/status-view.js";
import { allowCall } from "../refresh/guard.js";
import type { HeldRef, Hold, Holds } from "../refresh/holds.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Troubled } from "../registry/troubled.js";

interface Ports {
  troubled: Troubled;
  holds: Pick<Holds, "latest" | "countAll">;
  registry: Pick<Registry, "get">;
}

type Whole = Pick<StatusView, "problems"> & { outages: OutageView[] };

export interface AttentionList {
  attention: AttentionView[];
  /** How many entries there are, and how many repositories are in step but for held refs. */
  total: number;
  heldRepositories: number;
}

/** So many repositories that fail with the same code are one entry, because they have one cause. */
const MANY = 3;
const NAMED = 3;

const NONE = {
  repository: null,
  repositories: 0,
  names: [],
  call: null,
  ref: null,
  wanted: null,
  installationId: null,
  server: null,
};

/** Lists what an operator should look at, the worst first. */
export function listAttention(ports: Ports, { problems, outages }: Whole): AttentionList {
  const held = ports.holds.latest(MAX_ATTENTION);
  const all = [
    ...outages.map(ofOutage),
    // A server that has been out for a minute is a problem, too.
    ...problems.filter(({ code }) => code !== "server_out" || outages.length === 0).map(ofProblem),
    ...failures(ports),
    ...held.map((hold) => ofHold(ports, hold)),
  ];
  return {
    attention: all.slice(0, MAX_ATTENTION),
    total: all.length - held.length + ports.holds.countAll(),
    heldRepositories: ports.troubled.held(),
  };
}

const ofOutage = ({ server, since }: OutageView): AttentionView => ({
  ...NONE,
  kind: "outage",
  code: "outage",
  server,
  detail: `No answer from ${server}. Refreshes wait, and run as soon as it answers.`,
  remedy: "see https://www.githubstatus.com, and check network, DNS and HTTPS_PROXY",
  since,
});

const ofProblem = ({
  code,
  detail,
  remedy,
  since,
  installationId,
}: StatusView["problems"][number]): AttentionView => ({
  ...NONE,
  kind: "problem",
  code,
  detail,
  remedy,
  since,
  installationId: installationId ?? null,
  call: code === "removal_held" ? `POST /api/v1/installations/${installationId}/confirm-removal` : null,
});

/** Each code is asked for by itself, so that a rare failure is not lost among thousands of another. */
function failures({ troubled }: Ports): AttentionView[] {
  return troubled.byCode().flatMap(({ code, count }) => {
    const some = troubled.of(code, NAMED);
    return count >= MANY && some.length > 0 ? [ofGroup(some, count)] : some.map(ofFailure);
  });
}

function ofFailure(repository: ManagedRepository): AttentionView {
  const { error } = repository;
  const name = fullName(repository);
  return {
    ...NONE,
    kind: "failing",
    code: error!.code,
    repository: name,
    repositories: 1,
    names: [name],
    detail: error!.message,
    remedy: error!.hint,
    since: iso(error!.at),
    call: `POST /api/v1/repos/${name}/refresh`,
  };
}

function ofGroup(group: ManagedRepository[], repositories: number): AttentionView {
  const [first] = group as [ManagedRepository];
  const one = ofFailure(first);
  return {
    ...one,
    repository: null,
    repositories,
    names: group.map(fullName),
    call: null,
  };
}

function ofHold({ registry }: Ports, { id, ...hold }: HeldRef): AttentionView {
  const repository = registry.get(id);
  const name = fullNameOrId(repository, id);
  return {
    ...NONE,
    kind: "held",
    code: hold.cause,
    repository: name,
    repositories: 1,
    names: [name],
    detail: describeHold(hold),
    remedy: "allow GitHub's value, or keep the mirror's",
    since: iso(hold.since),
    call: repository && allowCall(repository, hold),
    ref: hold.ref,
    wanted: hold.wanted,
  };
}

const short = (sha: string) => (/^0+$/.test(sha) ? "nothing" : sha.slice(0, 7));
const shortRef = (ref: string) => ref.replace(/^refs\/(heads|tags)\//, "");

function describeHold({ ref, tip, wanted, cause }: Hold): string {
  if (cause === "vanished")
    return "GitHub no longer lists most refs. The mirror keeps them until you decide.";
  const name = shortRef(ref);
  if (cause === "restored")
    return `${name} was restored to ${short(tip)}, while GitHub has ${short(wanted)}. The mirror keeps it until you decide.`;
  const isDeleted = /^0+$/.test(wanted);
  const what = isDeleted
    ? `${name} was deleted at GitHub`
    : `${name} was moved by force at GitHub: ${short(tip)} → ${short(wanted)}`;
  return `${what}. The mirror keeps ${short(tip)} until you decide.`;
}
