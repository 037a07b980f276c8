import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, gunzipSync } from "node:zlib";
import { runHttpBackend } from "./cgi.js";
import { Faults } from "./faults.js";
import type { Git } from "./git.js";
import type { StaleCopies } from "./stale.js";
import type { GitRequest, Repo } from "./types.js";
import type { World } from "./world.js";

/** How often a hung request looks whether it may go on. */
const HANG_CHECK_MS = 20;
const GIT_PATH = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/info\/refs|\/git-upload-pack|\/git-receive-pack)$/;

const PAGE = { "content-type": "text/html; charset=utf-8" };

interface Deps {
  world: World;
  git: Git;
  faults: Faults;
  stale: StaleCopies;
}

/** GitHub's git over HTTP: read only, by installation token. */
export class GitHttp {
  constructor(private readonly deps: Deps) {}

  static handles(path: string): boolean {
    return GIT_PATH.test(path);
  }

  /** @param seen is called with the protocol as soon as the protocol is known */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    seen: (protocol: GitRequest["protocol"]) => void,
  ): Promise<void> {
    const [, owner = "", name = "", service = ""] = GIT_PATH.exec(url.pathname) ?? [];
    const { faults, git, stale } = this.deps;
    if (request.method === "GET") seen("advert");
    const fault = Faults.take(faults.gitStatus, url.pathname);
    if (fault?.html !== undefined) return refuse(response, fault.status, fault.html, PAGE);
    if (fault) return refuse(response, fault.status, "Unavailable\n", fault.headers);
    if (service === "/git-receive-pack" || url.searchParams.get("service") === "git-receive-pack")
      return refuse(response, 403, "Write access to repository not granted.\n");
    const repo = this.authorise(request, response, owner, name);
    if (!repo) return;
    if (repo === "moved") return this.redirect(response, owner, name, `${service}${url.search}`);
    const protocol = request.method === "POST" ? await protocolOf(request) : "advert";
    seen(protocol);
    await this.#dawdle(request, response);
    if (response.destroyed) return;
    await runHttpBackend(git, {
      request,
      response,
      body: faults.withoutTrees ? request.pipe(askingForLess()) : request,
      repository: stale.directoryOf(repo),
      service,
      query: url.search.slice(1),
      slowLine: protocol === "fetch" ? faults.slowLine : null,
      truncateAfter: protocol === "fetch" ? faults.takeTruncation() : Number.POSITIVE_INFINITY,
    });
  }

  /** @returns null when it has answered already. */
  authorise(
    request: IncomingMessage,
    response: ServerResponse,
    owner: string,
    name: string,
  ): Repo | "moved" | null {
    const { world, faults } = this.deps;
    const open = world.findGit(owner, name);
    if (!request.headers.authorization && open && !open.private) return open;
    const former = open ? undefined : world.findFormerGit(owner, name);
    if (!request.headers.authorization && former && !former.private) return "moved";
    const [scheme = "", credentials = ""] = (request.headers.authorization ?? "").split(" ");
    const [user, token = ""] = Buffer.from(credentials, "base64").toString().split(":");
    const installation =
      scheme.toLowerCase() === "basic" && user === "x-access-token"
        ? world.installationByToken(token)
        : undefined;
    if (!installation || faults.takeRefusal()) {
      const headers = { "www-authenticate": 'Basic realm="GitHub"' };
      refuse(response, 401, "Repository not found.\n", headers);
      return null;
    }
    if (installation.suspendedAt) {
      refuse(response, 403, "This installation has been suspended\n");
      return null;
    }
    const repo = world.findGit(owner, name);
    if (world.isReadable(repo, installation)) return repo;
    if (!repo && world.isReadable(world.findFormerGit(owner, name), installation)) return "moved";
    refuse(response, 404, "Repository not found.\n");
    return null;
  }

  /** Answers with the present address of a repository that was renamed. */
  redirect(response: ServerResponse, owner: string, name: string, rest: string): void {
    const to = this.deps.world.findFormerGit(owner, name)!;
    refuse(response, 301, "Moved Permanently\n", { location: `/${to.owner}/${to.name}.git${rest}` });
  }

  async #dawdle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.deps;
    if (faults.serverDelayMs > 0) await sleep(faults.serverDelayMs);
    while (faults.hangGit && request.method === "POST" && !response.destroyed) await sleep(HANG_CHECK_MS);
  }
}

/** What was asked for without contents is asked for without trees, in as many bytes. Only plain bodies. */
const askingForLess = () =>
  new Transform({
    transform(chunk: Buffer, _, done) {
      const text = chunk.toString("latin1").replace("filter blob:none", "filter tree:0000");
      done(null, Buffer.from(text, "latin1"));
    },
  });

function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "text/plain; charset=UTF-8", ...headers }).end(text);
}

/** Reads the first packet line of a body and gives its bytes back. */
async function protocolOf(request: IncomingMessage): Promise<GitRequest["protocol"]> {
  const first = await firstBytes(request);
  const zipped = /gzip/.test(request.headers["content-encoding"] ?? "");
  const text = (zipped ? gunzipSync(first, { finishFlush: constants.Z_SYNC_FLUSH }) : first).toString(
    "latin1",
  );
  if (/^.{4}command=ls-refs/.test(text)) return "ls-refs";
  return /^.{4}(command=fetch|want )/.test(text) ? "fetch" : "other";
}

function firstBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off("readable", done).off("end", done).off("close", done);
      const chunk = (request.read() as Buffer | null) ?? Buffer.alloc(0);
      if (chunk.length > 0) request.unshift(chunk);
      resolve(chunk);
    };
    request.once("readable", done).once("end", done).once("close", done);
  });
}
