import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { nextTurn } from "../base/slices.js";
import { dropLink, type Layout, linkTarget } from "../git/disk/layout.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { hasCertainName, isNameOwner, linkOwner, type NamePorts } from "./public-name.js";

export type SweepPorts = NamePorts & {
  registry: Pick<Registry, "get" | "ids">;
  /** Something else has the link's name; a refresh reports that in its state. */
  request(repository: ManagedRepository): void;
  log: Pick<Log, "info">;
};

/** Other work gets a turn after this many links; ten thousand links take a tenth of a second. */
const AT_A_TIME = 200;

/** Creates missing links, and removes links to mirrors that have another name. */
export async function sweepLinks(ports: SweepPorts, isStopped: () => boolean): Promise<void> {
  for (const [n, id] of ports.registry.ids().entries()) {
    if (n % AT_A_TIME === 0) await nextTurn();
    if (isStopped()) return;
    restoreLink(ports, id);
  }
  for (const [n, { owner, file }] of publicLinks(ports.layout).entries()) {
    if (n % AT_A_TIME === 0) await nextTurn();
    if (isStopped()) return;
    const name = { owner, name: file.slice(0, -".git".length) };
    dropStray(ports, name, ports.layout.link(name));
  }
}

function restoreLink(ports: SweepPorts, id: number): void {
  const { layout, registry } = ports;
  // The repository may have been renamed since the list was read.
  const now = registry.get(id);
  if (!now || !hasCertainName(now) || !isNameOwner(ports, id, now)) return;
  if (linkTarget(layout.link(now)) === layout.mirror(id)) return;
  if (linkOwner(ports, now)) ports.request(now);
}

/** Removes a link to a mirror that has another name, as a failure or a restart may leave behind. */
function dropStray(ports: SweepPorts, name: RepositoryName, path: string): void {
  const target = linkTarget(path);
  const id = Number(target?.split("/").at(-2));
  if (target === null || target !== ports.layout.mirror(id)) return; // the link was not made by Lockstep
  if (!isStray(ports, id, name, path)) return;
  dropLink(path, target);
  ports.log.info({ event: "link_removed", link: path }, "removed a leftover link");
  linkOwner(ports, ports.registry.find(name));
}

function isStray(
  { layout, registry, hasMirror }: SweepPorts,
  id: number,
  name: RepositoryName,
  path: string,
): boolean {
  const now = registry.get(id);
  const owner = registry.find(name);
  const isItsName = now !== null && layout.link(now) === path;
  if (isItsName && owner?.id === id) return false;
  if (owner && hasCertainName(owner)) return true;
  return now !== null && (!hasMirror(id) || (hasCertainName(now) && !isItsName));
}

function publicLinks(layout: Layout): { owner: string; file: string }[] {
  return entriesOf(layout.links).flatMap((owner) =>
    entriesOf(join(layout.links, owner.name))
      .filter((entry) => entry.isSymbolicLink() && entry.name.endsWith(".git") && !entry.name.startsWith("@"))
      .map((entry) => ({ owner: owner.name, file: entry.name })),
  );
}

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // no link was ever made, or the last one was just removed
  }
}
