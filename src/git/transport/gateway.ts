import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { createAdverts } from "./advert.js";
import { askForPack } from "./fetch-pack.js";
import {
  type Lease,
  type LeaseOptions,
  type LeaseState,
  openLease,
  type PackQuestion,
  type RefsQuestion,
} from "./lease.js";
import { createLfs, type Lfs } from "./lfs.js";
import { answerGit, askForRefs, type GitProxy, pathOf } from "./proxy.js";
import { createReadLimits } from "./read-limits.js";
import { givesObject, type ReaderCall, sendForReader } from "./reader.js";
import { createReaders, type Readers } from "./readers.js";
import { createUpstream, type Peer, type Target, type TokenSource } from "./upstream.js";

export interface Gateway {
  open(target: Target, options?: LeaseOptions): Lease;
  /** Prepares a connection and the capability advertisement before git asks. Never throws. */
  warm(target: Target): void;
  /** Whether a connection is open, or being opened, so that `warm` would do nothing. */
  isWarm(): boolean;
  /** Sends a reader's request to GitHub. @returns the body of an answer with status 200 @throws RefreshError */
  sendForReader(target: Target, call: ReaderCall): Promise<Readable>;
  /** Asks GitHub whether it gives an object by its name. @throws RefreshError */
  givesObject(target: Target, id: string, signal: AbortSignal): Promise<boolean>;
  /** Git LFS runs in this process, since git itself does not speak the protocol. */
  lfs: Lfs;
  /** Questions about those who read mirrors from here. */
  readers: Readers;
  close(): Promise<void>;
}

/**
 * The gateway is the way to GitHub. git gets a loopback address and a key. This in-process reverse proxy
 * forwards `info/refs?service=git-upload-pack` and `git-upload-pack`, and nothing else, over warm
 * connections. The proxy adds the installation token, which git never sees.
 * @param peer another git server than GitHub's
 */
export async function createGateway(origin: string, token: TokenSource, peer?: Peer): Promise<Gateway> {
  const upstream = createUpstream(origin, token, peer);
  const adverts = createAdverts(upstream);
  const proxy: GitProxy = { origin, upstream, adverts, leases: new Map(), reads: createReadLimits() };
  const server = createServer((req, res) => answerGit(proxy, req, res));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ports = {
    leases: proxy.leases,
    adverts,
    upstream,
    ask: (lease: LeaseState, question: RefsQuestion, signal: AbortSignal) =>
      askForRefs(proxy, lease, question, signal),
    askForPack: (lease: LeaseState, question: PackQuestion, signal: AbortSignal) =>
      askForPack(proxy, lease, question, signal),
  };

  return {
    open: (target, options = {}) => openLease(ports, { ...options, target, url: base + pathOf(target, "") }),
    warm: adverts.warm,
    isWarm: adverts.isWarm,
    sendForReader: (target, call) => sendForReader(proxy, target, call),
    givesObject: (target, id, signal) => givesObject(proxy, target, id, signal),
    lfs: createLfs(upstream, origin),
    readers: createReaders(upstream),
    async close() {
      for (const lease of proxy.leases.values()) lease.abort.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await upstream.close();
    },
  };
}
