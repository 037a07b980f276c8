import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdverts } from "./advert.js";
import { type Lease, openLease } from "./lease.js";
import { createLfs, type Lfs } from "./lfs.js";
import { answerGit, type GitProxy, pathOf } from "./proxy.js";
import { createReadLimits } from "./read-limits.js";
import { createUpstream, type Target, type TokenSource } from "./upstream.js";

export interface Gateway {
  open(target: Target): Lease;
  /** Has a connection and the capability advertisement ready before git asks. Never throws. */
  warm(target: Target): void;
  /** Git LFS, which no git process speaks. */
  lfs: Lfs;
  close(): Promise<void>;
}

/**
 * The way to GitHub. git gets an address on loopback and a key; this in-process reverse proxy forwards
 * `info/refs?service=git-upload-pack` and `git-upload-pack`, nothing else, over warm connections and
 * adds the installation token, which git never sees.
 */
export async function createGateway(origin: string, token: TokenSource): Promise<Gateway> {
  const upstream = createUpstream(origin, token);
  const adverts = createAdverts(upstream);
  const proxy: GitProxy = { origin, upstream, adverts, leases: new Map(), reads: createReadLimits() };
  const server = createServer((req, res) => answerGit(proxy, req, res));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    open: (target) => openLease(proxy, target, base + pathOf(target, "")),
    warm: (target) => adverts.warm(target),
    lfs: createLfs(upstream, origin),
    async close() {
      for (const lease of proxy.leases.values()) lease.abort.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await upstream.close();
    },
  };
}
