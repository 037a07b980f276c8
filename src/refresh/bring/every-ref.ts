import { RefreshError } from "../../base/errors.js";
import { ZERO } from "../../base/model.js";
import { ALL_REFS } from "../../base/names.js";
import { selectInSlices } from "../../base/slices.js";
import type { BringContext, Pass } from "./context.js";

/** The refs of both sides, and when GitHub says that the repository was last pushed to. */
interface EveryRef {
  remote: Map<string, string>;
  local: Map<string, string>;
  /** In whole seconds since 1970. */
  pushedAt: number;
}

/** Fewer missing refs than this are always believed, unless GitHub has no ref at all. */
const MANY = 20;
/** A replica that has just come up may be empty; it is asked once more after this time, in milliseconds. */
const ASK_AGAIN_MS = 2_000;

/**
 * Asks GitHub for every ref. An answer that would empty the mirror, or halve a large one, is asked for again, and
 * then held until GitHub has the refs again or an operator allows it.
 * @throws RefreshError `refs_vanished` while it is held
 */
export async function askForEveryRef(context: BringContext, pass: Pass): Promise<EveryRef> {
  const { id } = pass.repository;
  const local = await context.mirrors.tips(id, pass.run.signal);
  const first = await ask(context, pass);
  const hold = context.holds.of(id).find(({ ref }) => ref === ALL_REFS);
  const isAllowed = hold !== undefined && hold.allowed === hold.wanted;
  if (isAllowed || !(await lacksTooMany(local, first.remote))) {
    if (hold) context.holds.end(id, hold);
    return { ...first, local };
  }
  await pass.lend(() => context.pause(ASK_AGAIN_MS, pass.run.signal));
  const second = await ask(context, pass);
  if (!(await lacksTooMany(local, second.remote))) return { ...second, local };
  if (!hold) holdAll(context, id);
  throw new RefreshError(
    "refs_vanished",
    `GitHub lists ${second.remote.size} refs, and ${await countMissing(local, second.remote)} of the mirror's ${local.size} are not among them`,
  );
}

function ask({ mirrors }: BringContext, pass: Pass): Promise<Omit<EveryRef, "local">> {
  return pass.lend(async () => {
    const remote = await mirrors.remoteTips(pass.repository.id, pass.lease, pass.run);
    return { remote, pushedAt: await pass.confirmName() };
  });
}

function holdAll({ holds, now }: BringContext, id: number): void {
  holds.begin(id, { ref: ALL_REFS, tip: ZERO, wanted: ZERO, since: now(), cause: "vanished", allowed: null });
}

type Tips = ReadonlyMap<string, string>;

async function lacksTooMany(local: Tips, remote: Tips): Promise<boolean> {
  if (remote.size === 0) return local.size > 0;
  return local.size > MANY && (await countMissing(local, remote)) > local.size / 2;
}

const countMissing = async (local: Tips, remote: Tips): Promise<number> =>
  (await selectInSlices(local.keys(), (ref) => !remote.has(ref))).length;
