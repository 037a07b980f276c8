import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { GitHttp } from "./git-http.js";

const BATCH_PATH = /^\/([^/]+)\/([^/]+)\.git\/info\/lfs\/objects\/batch$/;
const STORE_PATH = "/lfs-store/";
const MEDIA_TYPE = "application/vnd.git-lfs+json";

/** Git LFS, downloads only: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export class LfsServer {
  /** By SHA-256: what is served for it, right or wrong. */
  readonly #objects = new Map<string, Buffer>();
  /** By SHA-256: the one repository, as owner/name, that has the object; without an entry all have it. */
  readonly #owners = new Map<string, string>();
  readonly #ticket = randomBytes(8).toString("hex");
  #git: GitHttp | undefined;
  /** Each object that was downloaded. */
  readonly downloads: string[] = [];
  /** Each object that was asked for in a batch. */
  readonly asked: string[] = [];
  /** What takes the place of a download's address. */
  rewrite = (href: string): string => href;

  over(git: GitHttp): this {
    this.#git = git;
    return this;
  }

  /** The secret that a download has to show. */
  get ticket(): string {
    return this.#ticket;
  }

  /** Whether the secret is in the address, as at github.com, and not in a header. */
  isSigned = false;

  /**
   * @param owner the one repository, as owner/name, that has it; default: all have it
   * @returns the text of its pointer
   */
  put(content: string | Buffer, owner?: string): string {
    const bytes = Buffer.from(content);
    const oid = createHash("sha256").update(bytes).digest("hex");
    this.#objects.set(oid, bytes);
    if (owner !== undefined) this.#owners.set(oid, owner);
    return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`;
  }

  /** @param served null: the object is lost */
  spoil(pointer: string, served: string | null): void {
    const oid = /sha256:(\w+)/.exec(pointer)![1]!;
    if (served === null) this.#objects.delete(oid);
    else this.#objects.set(oid, Buffer.from(served));
  }

  /** @returns whether the request was for it */
  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    const [, owner, name] = BATCH_PATH.exec(url.pathname) ?? [];
    if (url.pathname.startsWith(STORE_PATH)) this.#download(request, response, url);
    else if (!owner || !name) return false;
    else await this.#answerBatch(request, response, url, [owner, name]);
    return true;
  }

  async #answerBatch(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    [owner, name]: [string, string],
  ) {
    const found = this.#git?.authorise(request, response, owner, name);
    if (found === "moved") this.#git?.redirect(response, owner, name, "/info/lfs/objects/batch");
    else if (found) await this.#batch(request, response, { url, repository: `${owner}/${name}` });
  }

  async #batch(
    request: IncomingMessage,
    response: ServerResponse,
    { url, repository }: { url: URL; repository: string },
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { objects: { oid: string; size: number }[] };
    const objects = body.objects.map(({ oid, size }) => {
      this.asked.push(oid);
      const owner = this.#owners.get(oid) ?? repository;
      if (!this.#objects.has(oid) || owner !== repository)
        return { oid, size, error: { code: 404, message: "Object does not exist" } };
      const href = this.rewrite(`${url.origin}${STORE_PATH}${oid}`);
      const download = this.isSigned
        ? { href: `${href}?ticket=${this.#ticket}`, expires_in: 300 }
        : { href, header: { "x-ticket": this.#ticket } };
      return { oid, size, actions: { download } };
    });
    response.writeHead(200, { "content-type": MEDIA_TYPE });
    response.end(JSON.stringify({ transfer: "basic", objects }));
  }

  #download(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const oid = url.pathname.slice(STORE_PATH.length);
    const found = this.#objects.get(oid);
    const ticket = request.headers["x-ticket"] ?? url.searchParams.get("ticket");
    const allowed = ticket === this.#ticket && !request.headers.authorization;
    if (!found || !allowed) return void response.writeHead(found ? 403 : 404).end();
    this.downloads.push(oid);
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(found);
  }
}
