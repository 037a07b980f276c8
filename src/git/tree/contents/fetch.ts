import { join } from "node:path";
import { clearLeftovers } from "../../disk/heal.js";
import { FETCH_OPTIONS } from "../../mirror/partial.js";
import type { Lease } from "../../transport/lease.js";
import { askRemote } from "../../transport/remote.js";
import { runInStore, type StoreContext } from "./context.js";

/**
 * A submodule comes whole, whatever the mirror has of it. A shallow or partial mirror has commits without
 * what they lead to, and any mirror drops objects at any time. git-config(1)
 */
const ALONE = {
  // The fetch neither reports the mirror's commits nor relies on them.
  "core.alternateRefsPrefixes": "refs/none/",
  // Objects are stored as a pack: a loose object is not written where the mirror has it.
  "fetch.unpackLimit": "1",
};

/**
 * Brings one commit without its history, from GitHub or from a repository of this machine. @throws
 * RefreshError
 */
export async function fetchCommit(store: StoreContext, commit: string, from: Lease | string): Promise<void> {
  const args = (url: string) => [
    "fetch",
    "--depth=1",
    ...FETCH_OPTIONS,
    url,
    `+${commit}:refs/modules/${commit}`,
  ];
  // git fetch --depth=1 <url or mirror> +<commit>:refs/modules/<commit>
  const local = { ...ALONE, "protocol.file.allow": "always" };
  if (typeof from === "string") await runInStore(store, args(from), { config: local });
  else await fetchFromGitHub(store, from, args(from.url));
}

async function fetchFromGitHub(store: StoreContext, lease: Lease, args: string[]): Promise<void> {
  let hasLeft = false;
  const onRetry = () => {
    hasLeft = true;
  };
  try {
    await askRemote(store.git, lease, { ...store.call, args, config: ALONE, onRetry });
  } finally {
    if (hasLeft) await clearLeftovers(join(store.dir, "objects"));
  }
}
