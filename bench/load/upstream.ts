import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Push, Repo, StandIn } from "../../tools/standin/index.js";
import { makeCommit, type PackedObject, packOf } from "./objects.js";

/** The stand-in, with fetches of pushes that are answered from memory, without a process. */
export interface Upstream {
  host: string;
  /** Pushes one commit of three objects to the default branch, a second or more after the push before, or in its second. */
  push(repo: Repo, options?: { inSameSecond?: boolean }): Promise<Push>;
  close(): Promise<void>;
}

interface Served {
  ref: string;
  tip: string;
  pushedAt: number;
}

const UPLOAD_PACK = /^\/([^/]+\/[^/]+)\.git\/git-upload-pack$/;
/** The longest line of git's protocol, without its length and the number of its side band: gitprotocol-pack(5). */
const MAX_BAND = 65_515;

/** @param tls serves HTTPS; the stand-in itself is asked over HTTP */
export async function startUpstream(
  standin: StandIn,
  { tls }: { tls?: { key: Buffer; cert: Buffer } } = {},
): Promise<Upstream> {
  const served = new Map<string, Served>();
  /** What each commit that was pushed brings. */
  const pushed = new Map<string, { parent: string; objects: PackedObject[] }>();
  let count = 0;
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    answer(req, res).catch(() => res.destroy());
  };
  const options = { keepAliveTimeout: 60_000 };
  const server = tls ? createTlsServer({ ...options, ...tls }, listener) : createServer(options, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const name = UPLOAD_PACK.exec(req.url ?? "")?.[1];
    const repo = name === undefined ? undefined : served.get(name);
    const body = await bodyOf(req);
    const found = repo && fromMemory(repo, textOf(req, body));
    if (found) res.writeHead(200, { "content-type": "application/x-git-upload-pack-result" }).end(found);
    else passOn(standin.host, req, body, res);
  }

  function fromMemory({ ref, tip }: Served, text: string): Buffer | null {
    if (text.includes("command=ls-refs"))
      return Buffer.concat([line(`${tip} HEAD symref-target:${ref}\n`), line(`${tip} ${ref}\n`), FLUSH]);
    const want = /want ([0-9a-f]{40})/.exec(text)?.[1] ?? "";
    if (!pushed.has(want)) return null;
    const { objects, base } = newTo(want, new Set(text.match(/(?<=have )[0-9a-f]{40}/g) ?? []));
    const isDone = /^0009done$/m.test(text);
    const known = [line("acknowledgments\n"), line(`ACK ${base}\n`), line("ready\n"), Buffer.from("0001")];
    return Buffer.concat([...(isDone ? [] : known), line("packfile\n"), ...bandsOf(packOf(objects)), FLUSH]);
  }

  /** Collects what pushes that are brought together have, down to a commit that is known, or that nobody pushed. */
  function newTo(want: string, haves: ReadonlySet<string>): { objects: PackedObject[]; base: string } {
    const objects: PackedObject[] = [];
    let base = want;
    for (let push = pushed.get(base); push && !haves.has(base); push = pushed.get(base)) {
      objects.push(...push.objects);
      base = push.parent;
    }
    return { objects, base };
  }

  return {
    host,
    async push(repo, { inSameSecond = false } = {}) {
      const name = `${repo.owner}/${repo.name}`;
      const ref = `refs/heads/${repo.defaultBranch}`;
      const last = served.get(name);
      const before = last?.tip ?? (await standin.tip(repo, ref));
      const { commit, objects } = makeCommit(before, `${process.pid} ${Date.now()} ${++count}\n`);
      pushed.set(commit, { parent: before, objects });
      const lastPushedAt = last?.pushedAt ?? repo.pushedAt;
      const pushedAt = inSameSecond
        ? lastPushedAt
        : Math.max(Math.floor(Date.now() / 1000), lastPushedAt + 1);
      served.set(name, { ref, tip: commit, pushedAt });
      repo.pushedAt = pushedAt;
      const commits = [{ id: commit, message: "Change", files: ["change.txt"] }];
      return {
        repo,
        ref,
        before,
        after: commit,
        pushedAt,
        forced: false,
        created: false,
        deleted: false,
        commits,
      };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const FLUSH = Buffer.from("0000");

function line(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}

function bandsOf(pack: Buffer): Buffer[] {
  const bands: Buffer[] = [];
  for (let at = 0; at < pack.length; at += MAX_BAND)
    bands.push(line(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + MAX_BAND)])));
  return bands;
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const textOf = (req: IncomingMessage, body: Buffer): string =>
  (req.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("latin1");

function passOn(host: string, req: IncomingMessage, body: Buffer, res: ServerResponse): void {
  const headers = { ...req.headers, "content-length": String(body.length) };
  delete (headers as Record<string, unknown>)["transfer-encoding"];
  const onward = send(`http://${host}${req.url}`, { method: req.method ?? "GET", headers }, (from) => {
    res.writeHead(from.statusCode ?? 502, from.headers);
    from.pipe(res);
  });
  onward.on("error", () => res.destroy());
  onward.end(body);
}
