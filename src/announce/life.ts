import type {
  Announcement,
  Attributes,
  GoneReason,
  LifeEventType,
  RefChange,
  RepositoryName,
  RepositoryState,
} from "../base/model.js";
import type { Subscribe } from "../base/signal.js";

type Repository = RepositoryName & { id: number };

/** A repository as its life's events need it. */
export interface LivingRepository extends Repository, Attributes {
  state: RepositoryState;
  /** 0: only a delivery has named the repository, and GitHub has not answered yet. */
  answeredAt: number;
}

interface Change {
  before: LivingRepository;
  after: LivingRepository;
  excluded: boolean;
}

interface Hold {
  ref: string;
  tip: string;
  wanted: string;
}

/** An event about a repository, or about what Lockstep may do with it. */
export interface LifeEvent {
  type: LifeEventType;
  attributes?: Announcement["attributes"];
  holds?: RefChange[];
  reason?: GoneReason;
}

interface LifePorts {
  /** What became of repositories, within the transaction of the change. */
  onRepository: Subscribe<[change: Change]>;
  /** What became of held refs, within the transaction of the change. */
  onHold: Subscribe<[id: number, type: "held" | "allowed" | "released", hold: Hold]>;
  /** @returns null: the repository is not known */
  find(id: number): Repository | null;
  /** Whether another node of the cluster has taken the repository over, so that what becomes of it here is no news. */
  isSetAside(id: number): boolean;
  /** Stores events, within the transaction around the call. */
  announce(repository: Repository, events: LifeEvent[]): void;
}

/** Makes events of what becomes of repositories and of held refs, in the transaction that records it. */
export function announceLives({ onRepository, onHold, find, isSetAside, announce }: LifePorts): void {
  onRepository((change) => {
    const events = eventsOf(change);
    if (events.length > 0 && !isSetAside(change.after.id)) announce(change.after, events);
  });
  onHold((id, type, { ref, tip, wanted }) => {
    const repository = find(id);
    if (repository && !isSetAside(id))
      announce(repository, [{ type, holds: [{ ref, before: tip, after: wanted }] }]);
  });
}

/** Lists what a change of a repository is to consumers. Pure. */
export function eventsOf({ before, after, excluded }: Change): LifeEvent[] {
  // What only a delivery has said is not known yet.
  if (before.answeredAt === 0) return [];
  const attributes = { before: attributesOf(before), after: attributesOf(after) };
  const changed = changesOf(before, after).map((type) => ({ type, attributes }));
  const state = stateChangeOf(before.state, after.state);
  if (state === null) return changed;
  if (state !== "gone") return [...changed, { type: state }];
  return [...changed, { type: state, reason: excluded ? "excluded" : "not_listed" }];
}

function changesOf(before: Attributes, after: Attributes): LifeEventType[] {
  const types: LifeEventType[] = [];
  if (before.owner !== after.owner) types.push("transferred");
  else if (before.name !== after.name) types.push("renamed");
  if (before.defaultBranch !== after.defaultBranch) types.push("default_branch_changed");
  // A fact that was not known before has not changed.
  if (before.visibility !== null && before.visibility !== after.visibility) types.push("visibility_changed");
  if (before.archived !== null && before.archived !== after.archived)
    types.push(after.archived ? "archived" : "unarchived");
  return types;
}

/** A state in which Lockstep does not keep a repository in step. */
const isAway = (state: RepositoryState): state is "gone" | "retired" | "suspended" =>
  state === "gone" || state === "retired" || state === "suspended";

function stateChangeOf(before: RepositoryState, after: RepositoryState): LifeEventType | null {
  if (before === after) return null;
  if (isAway(after)) return after;
  // The removal of suspended repositories may be held; then they fail, and are not back.
  return isAway(before) && after !== "failing" ? "returned" : null;
}

const attributesOf = ({ owner, name, defaultBranch, visibility, archived }: Attributes): Attributes => ({
  owner,
  name,
  defaultBranch,
  visibility,
  archived,
});
