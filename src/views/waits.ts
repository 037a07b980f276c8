import type { Subject } from "../base/model.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { HeldView, OutageView } from "../http/log-view.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { HeldResource } from "../queue/held-resources.js";
import type { Installations } from "../registry/installations.js";
import type { Registry } from "../registry/repositories.js";

interface Ports {
  queue: Pick<RefreshQueue, "held" | "outages">;
  registry: Pick<Registry, "get">;
  installations: Pick<Installations, "get">;
}

/** What requests wait for, in words for an operator. */
export interface Waits {
  held: HeldView[];
  outages: OutageView[];
  /** @param key a hold's key or a server, as a row of the queue has it */
  describe(key: string): string;
}

export function readWaits(ports: Ports): Waits {
  const held = ports.queue.held();
  const describe = (key: string) => {
    const hold = held.find((one) => one.key === key);
    return hold ? describeHold(ports, hold) : describeServer(key);
  };
  return {
    describe,
    held: held.map((hold) => ({ what: describeHold(ports, hold), until: iso(hold.until) })),
    outages: ports.queue.outages().map(({ server, since, nextProbeAt }) => ({
      server: describeServer(server),
      since: iso(since),
      nextProbeAt: iso(nextProbeAt),
    })),
  };
}

const KINDS = { rest: "REST", git: "git", lfs: "Git LFS", submodule: "submodules" };

function describeHold(ports: Ports, { kind, owner, id }: HeldResource): string {
  if (owner === "everything") return "REST of the App and every installation";
  return `${KINDS[kind]} of ${owner === "app" ? "the App" : subjectName(ports, { kind: owner, id })}`;
}

function describeServer(server: string): string {
  const [kind, host] = server.split(/:(.*)/);
  if (kind === "git") return host ?? server;
  if (kind === "lfs") return `Git LFS at ${host}`;
  if (kind === "disk") return "room on the disk";
  return kind === "submodule" ? `${host} (submodules)` : "GitHub's API";
}

/** Returns owner/name, the account, or what is known of the subject. */
export function subjectName(
  { registry, installations }: Pick<Ports, "registry" | "installations">,
  { kind, id }: Subject,
): string {
  if (kind === "app") return "every installation";
  if (kind === "installation") return installations.get(id)?.login || `installation ${id}`;
  const repository = registry.get(id);
  return repository ? fullName(repository) : `${kind} ${id}`;
}
