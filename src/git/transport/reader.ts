import type { Readable } from "node:stream";
import { RefreshError } from "../../base/errors.js";
import { type GitProxy, pathOf } from "./proxy.js";
import { asNetworkError, statusError, type Target } from "./upstream.js";

/** A reader's request, which Lockstep sends to GitHub. */
export interface ReaderCall {
  /** The request, rewritten; null: the list of refs of versions 0 and 1. */
  body: Buffer | null;
  version: 0 | 1 | 2;
  /** The reader's own credentials, as the header has them; null: the target's installation, if any, has the right. */
  authorization: string | null;
  signal: AbortSignal;
}

const AGENT = "git/2.0 (lockstep)";

/** @returns the body of GitHub's answer, with status 200 @throws RefreshError */
export async function sendForReader(
  { upstream, reads, origin }: GitProxy,
  target: Target,
  { body, version, authorization, signal }: ReaderCall,
): Promise<Readable> {
  await reads.take(target, signal, "reader");
  const own: Record<string, string> = authorization === null ? {} : { authorization };
  const answer = await upstream
    .send({
      path: pathOf(target, body === null ? "info/refs?service=git-upload-pack" : "git-upload-pack"),
      method: body === null ? "GET" : "POST",
      headers: {
        "git-protocol": `version=${version}`,
        "user-agent": AGENT,
        accept: "*/*",
        ...(body === null ? {} : { "content-type": "application/x-git-upload-pack-request" }),
        ...own,
      },
      ...(body === null ? {} : { body }),
      installationId: authorization === null ? target.installationId : null,
      signal,
    })
    .catch((error: unknown) => {
      throw asNetworkError(error, origin);
    });
  if (answer.statusCode === 200) return answer.body;
  await answer.body.dump();
  throw statusError(answer, { kind: "git", host: upstream.host }, upstream.name);
}

/** A yes is a pack of some hundred bytes; a file's may be large, and is not read to its end. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Asks GitHub whether it gives an object by its name. git itself would ask nobody where the object already lies in the
 * mirror. @throws RefreshError
 */
export async function givesObject(
  proxy: GitProxy,
  target: Target,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const body = await sendForReader(proxy, target, {
    body: wantRequest(id),
    version: 2,
    authorization: null,
    signal,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) break;
  }
  const said = Buffer.concat(chunks).toString("latin1", 0, 200);
  if (/^[0-9a-f]{4}(?:shallow-info|packfile)\n/.test(said)) return true;
  if (/^[0-9a-f]{4}ERR .*not our ref/.test(said)) return false;
  throw new RefreshError("upstream_error", "GitHub's answer to the want of an object is not one");
}

/** Asks for the object alone: https://git-scm.com/docs/protocol-v2#_fetch */
function wantRequest(id: string): Buffer {
  const lines = ["no-progress", `want ${id}`, "deepen 1", "filter tree:0", "done"];
  const pkt = (text: string) => `${(text.length + 5).toString(16).padStart(4, "0")}${text}\n`;
  return Buffer.from(`${pkt("command=fetch")}0001${lines.map(pkt).join("")}0000`);
}
