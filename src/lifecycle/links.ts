import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { dropLink, type Layout, linkTarget, pointLink } from "../git/disk/layout.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";

interface Tools {
  layout: Layout;
  registry: Pick<Registry, "find" | "get" | "all">;
  hasMirror(id: number): boolean;
  /** Something else has its name: a refresh says so in its state. */
  request(repository: ManagedRepository): void;
  log: Pick<Log, "info" | "warn">;
}

/** The public names of the mirrors. Whose a name is the registry says, whatever a refresh that began earlier knows. */
export interface Links {
  isOwner(id: number, name: RepositoryName): boolean;
  /** Points its name at a mirror, if the name is still the repository's. @throws RefreshError `foreign` */
  link(id: number, name: RepositoryName): void;
  /** Takes a name away from a mirror; whoever has it now gets it. */
  unlink(id: number, name: RepositoryName): void;
  /** Sets right what is not as the registry says: a link that failed, was lost, or was left over. Never throws. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** A name that GitHub has told, and that nothing has cast doubt on since. Without one readers keep what they have. */
const hasName = ({ toldAt, doubted, owner, name }: ManagedRepository) =>
  toldAt > 0 && !doubted && owner !== "" && name !== "";

/** Links looked at before others get their turn: ten thousand take a tenth of a second. */
const AT_A_TIME = 200;

export function createLinks({ layout, registry, hasMirror, request, log }: Tools): Links {
  let looking: Promise<void> | null = null;
  let stopped = false;
  const isOwner = (id: number, name: RepositoryName) => registry.find(name)?.id === id;

  function link(id: number, name: RepositoryName): void {
    if (isOwner(id, name)) pointLink(layout.link(name), layout.mirror(id));
  }

  function giveTo(owner: ManagedRepository | null): RefreshError | null {
    if (owner === null || !hasName(owner) || owner.state === "retired" || !hasMirror(owner.id)) return null;
    try {
      pointLink(layout.link(owner), layout.mirror(owner.id));
      return null;
    } catch (error) {
      const failure = asRefreshError(error);
      log.warn(
        { repository: fullName(owner), code: failure.code, reason: failure.message },
        "a link could not be made; the next pass tries again",
      );
      return failure;
    }
  }

  function unlink(id: number, name: RepositoryName): void {
    dropLink(layout.link(name), layout.mirror(id));
    giveTo(registry.find(name));
  }

  /** A link that leads to a mirror whose name it is not, as a failure or a restart left it. */
  function dropStray(name: RepositoryName, path: string): void {
    const target = linkTarget(path);
    const id = Number(target?.split("/").at(-2));
    if (target === null || target !== layout.mirror(id)) return; // someone else's
    if (!isStray(id, name, path)) return;
    dropLink(path, target);
    log.info({ link: path }, "a link that was left over is gone");
    giveTo(registry.find(name));
  }

  function isStray(id: number, name: RepositoryName, path: string): boolean {
    const now = registry.get(id);
    const owner = registry.find(name);
    const isItsName = now !== null && layout.link(now) === path;
    if (isItsName && owner?.id === id) return false;
    if (owner && hasName(owner)) return true;
    return now !== null && (!hasMirror(id) || (hasName(now) && !isItsName));
  }

  async function align(): Promise<void> {
    for (const [n, { id }] of registry.all().entries()) {
      if (n % AT_A_TIME === 0) await nextTurn();
      if (stopped) return;
      // It may have another name since the list was read.
      const now = registry.get(id);
      if (!now || !hasName(now) || !isOwner(id, now) || linkTarget(layout.link(now)) === layout.mirror(id))
        continue;
      if (giveTo(now)) request(now);
    }
    for (const [n, { owner, file }] of publicLinks(layout).entries()) {
      if (n % AT_A_TIME === 0) await nextTurn();
      if (stopped) return;
      const name = { owner, name: file.slice(0, -".git".length) };
      dropStray(name, layout.link(name));
    }
  }

  const look = () =>
    (looking ??= align()
      .catch((error: unknown) => log.warn({ err: error }, "the links could not be looked at"))
      .finally(() => {
        looking = null;
      }));

  return {
    ...{ isOwner, link, unlink, look },
    async stop() {
      stopped = true;
      await looking;
    },
  };
}

function publicLinks(layout: Layout): { owner: string; file: string }[] {
  const names = (dir: string) => {
    try {
      return readdirSync(dir, { withFileTypes: true });
    } catch {
      return []; // none was ever made, or the last one just went
    }
  };
  return names(layout.links).flatMap((owner) =>
    names(join(layout.links, owner.name))
      .filter((entry) => entry.isSymbolicLink() && entry.name.endsWith(".git") && !entry.name.startsWith("@"))
      .map((entry) => ({ owner: owner.name, file: entry.name })),
  );
}
