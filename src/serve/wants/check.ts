import { ZERO } from "../../base/model.js";
import type { RunGit } from "../../git/run/exec.js";
import type { StreamGit } from "../../git/run/stream.js";
import { notUnderstood } from "../refusal.js";
import type { FetchRequest } from "../request/form.js";
import type { Shown } from "../shown.js";
import type { Served } from "../upload-pack.js";
import { findLoose, findUnreached } from "./reached.js";
import { createReachedBefore } from "./reached-before.js";
import { createTrees, type Trees } from "./trees.js";
import { type ObjectType, readParents, readTypes } from "./types.js";
import { createWhole } from "./whole.js";

/** What GitHub says about objects that the mirror's refs do not prove. */
export interface AskGitHub {
  /**
   * Asks GitHub, and remembers a yes for minutes. @returns those that GitHub gives by their names
   * @throws Refusal 503 when the reader has asked for too many
   */
  ask(repositoryId: number, ids: readonly string[], reader: string): Promise<ReadonlySet<string>>;
  /** Waits for the questions about these objects that are on their way, whatever is answered; null: there are none. */
  pending(repositoryId: number, ids: readonly string[]): Promise<unknown> | null;
  /** Whether GitHub has said yes in the last minutes. */
  isProven(repositoryId: number, id: string): boolean;
}

export type Verdict =
  /** The request, without what git must not see. */
  | { kind: "allowed"; request: FetchRequest }
  /** GitHub has these objects, and the mirror lacks them, or some of what they lead to. */
  | { kind: "absent"; ids: string[] }
  /** The object is unknown, or hidden, which must not be told apart. */
  | { kind: "refused"; id: string };

/** What is known of a mirror and its reader. */
export interface Checked {
  mirror: Served & { id: number };
  shown: Shown;
  reader: string;
  /** Limits how many look at mirrors at a time; nobody who waits for GitHub holds up the others. */
  look<T>(act: () => Promise<T>): Promise<T>;
}

export type CheckWants = (checked: Checked, fetch: FetchRequest) => Promise<Verdict>;

interface Tools {
  git: RunGit;
  streamGit: StreamGit;
  github: AskGitHub;
  /** Whether GitHub's object is being fetched into the mirror. */
  isComing(repositoryId: number, id: string): boolean;
}

/** GitHub is asked for so many objects of one request at most. */
const MAX_UNKNOWN = 16;

/**
 * Checks everything by which a request can make git give an object: git itself gives each by its name, also what only a
 * hidden ref leads to. Wants are checked by type, the ends of a shallow history as wants of their parents, and haves are
 * left out unless they are shown, so that an answer tells nothing of others.
 */
export function createWantsCheck(tools: Tools): CheckWants {
  const { github } = tools;
  const trees = createTrees(tools.streamGit);
  const whole = createWhole(github);
  const before = createReachedBefore();
  return async (checked, fetch) => {
    const { mirror, shown, reader, look } = checked;
    const isKnown = (id: string) => shown.tips.has(id) || before.has(shown, id) || whole.has(mirror, id);
    const isComing = (id: string) =>
      !isKnown(id) && github.isProven(mirror.id, id) && tools.isComing(mirror.id, id);
    const lookNow = async () => {
      const coming = fetch.wants.filter(isComing);
      return coming.length > 0 ? { coming } : lookFor(tools, trees, { checked, fetch, isKnown });
    };
    // Of many who want the same at once, one looks for it and asks GitHub.
    const first = await look(async () => {
      const pending = github.pending(mirror.id, fetch.wants);
      return pending === null ? lookNow() : { pending };
    });
    if ("pending" in first) await first.pending;
    const found = "pending" in first ? await look(lookNow) : first;
    if ("coming" in found) return { kind: "absent", ids: [...new Set(found.coming)] };

    const { wants, unproven, unreached, parents, loose, typeOf, isCommit } = found;
    for (const id of wants) if (isCommit(id) && !unreached.has(id)) before.add(shown, id);
    const proven = await askFor(unproven, (ids) => github.ask(mirror.id, ids, reader));
    if ("refused" in proven) return { kind: "refused", id: proven.refused };
    const isHere = (id: string) => typeOf(id) !== undefined && !loose.has(id);
    const absent = unproven.filter((id) => !isHere(id) && !parents.includes(id));
    if (absent.length > 0) return { kind: "absent", ids: absent };

    for (const id of wants) if (unreached.has(id)) whole.add(mirror, id);
    trees.noteServed(
      mirror.id,
      fetch.wants.filter((id) => isKnown(id) || isCommit(id)),
    );
    const mayHave = (id: string) =>
      isKnown(id) || (isCommit(id) && !unreached.has(id)) || github.isProven(mirror.id, id);
    const request = {
      ...fetch,
      // git leaves out a commit that it does not have, and fails for what is no commit.
      shallows: fetch.shallows.filter(isCommit),
      haves: keepHaves(fetch, mayHave),
      not: fetch.not.map((name) => resolveShown(shown, name)),
    };
    return { kind: "allowed", request };
  };
}

interface Looking {
  checked: Checked;
  fetch: FetchRequest;
  /** Whether an object is shown, or was proven and found just before. */
  isKnown(id: string): boolean;
}

/** Finds what the mirror's refs do not prove. */
async function lookFor({ git, streamGit }: Tools, trees: Trees, { checked, fetch, isKnown }: Looking) {
  const { mirror, shown } = checked;
  const types = await readTypes(git, mirror, idsToType(isKnown, fetch));
  const typeOf = (id: string): ObjectType | undefined => types.get(id);
  const isCommit = (id: string) => typeOf(id) === "commit";

  const all = [...new Set(fetch.wants)];
  const wants = all.filter((id) => !isKnown(id));
  const commits = [...wants, ...fetch.shallows, ...fetch.haves].filter(isCommit);
  const unreached = await findUnreached(streamGit, mirror, { shown, commits });
  // Whoever is given a commit is given all that it leads to.
  const given = all.filter((id) => isKnown(id) && !shown.tips.has(id));
  const hiddenEnds = fetch.shallows.filter((id) => isCommit(id) && unreached.has(id) && !isKnown(id));
  const parents = await readParents(git, mirror, hiddenEnds);
  const contents = wants.filter((id) => isContent(typeOf(id)));
  const unproven = [
    ...wants.filter((id) => typeOf(id) === undefined || typeOf(id) === "tag" || unreached.has(id)),
    ...(await trees.findForeign(mirror, shown, contents)),
    ...(await findUnreached(streamGit, mirror, { shown, commits: parents, given })),
  ];
  const alone = wants.filter((id) => unreached.has(id));
  const loose = await findLoose(git, mirror, alone);
  return { wants, unproven, unreached, parents, loose, typeOf, isCommit };
}

/** git takes a request of version 2 without haves for a clone, and would not acknowledge; so one unknown have stays. */
function keepHaves({ version, haves }: FetchRequest, mayHave: (id: string) => boolean): string[] {
  const kept = haves.filter(mayHave);
  return version === 2 && haves.length > 0 && kept.length === 0 ? [ZERO] : kept;
}

const isContent = (type: ObjectType | undefined): boolean => type === "tree" || type === "blob";

const idsToType = (isKnown: (id: string) => boolean, { wants, shallows, haves }: FetchRequest): string[] => [
  ...new Set([...shallows, ...[...wants, ...haves].filter((id) => !isKnown(id))]),
];

async function askFor(
  ids: readonly string[],
  ask: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<{ refused: string } | { all: true }> {
  if (ids.length === 0) return { all: true };
  if (ids.length > MAX_UNKNOWN) return { refused: ids[0]! };
  const yes = await ask(ids);
  const refused = ids.find((id) => !yes.has(id));
  return refused === undefined ? { all: true } : { refused };
}

/** git looks a short name up in this order, among hidden refs, too: gitrevisions(7). */
const PLACES = ["", "refs/", "refs/tags/", "refs/heads/"];

/** @returns the full name of the ref. @throws Refusal 400 when no shown ref has the name */
function resolveShown({ refs }: Shown, name: string): string {
  const place = PLACES.find((it) => refs.has(it + name));
  if (place === undefined) throw notUnderstood("a ref to leave out that does not exist");
  return place + name;
}
