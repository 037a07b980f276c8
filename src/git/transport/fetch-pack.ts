import { RefreshError } from "../../base/errors.js";
import { asMessage } from "../../base/message.js";
import { readUpTo } from "../../base/read-up-to.js";
import type { LeaseState, PackQuestion } from "./lease.js";
import { DELIM, FLUSH, invalidAnswer, LENGTH_DIGITS, lengthAt, pktLine } from "./pkt-line.js";
import { askUploadPack, type GitProxy, OWN_HEADERS } from "./proxy.js";
import { asNetworkError } from "./upstream.js";

/**
 * Asks GitHub for a pack in one request, without a git process.
 * @returns the pack as it was sent; null: it is longer than wanted
 * @throws RefreshError `not_yet` when GitHub does not serve the object, `upstream_error` for an answer that is none
 */
export async function askForPack(
  proxy: GitProxy,
  lease: LeaseState,
  { want, have, maxBytes }: PackQuestion,
  signal: AbortSignal,
): Promise<Buffer | null> {
  await lease.allowed;
  try {
    const body = fetchRequest(want, have);
    const answer = await askUploadPack(proxy, lease, { headers: OWN_HEADERS, body, signal });
    const bytes = await readUpTo(answer.body, maxBytes);
    return bytes && readAnswer(bytes);
  } catch (error) {
    const failure = asNetworkError(error, proxy.origin);
    if (failure.code !== "not_yet") proxy.adverts.drop();
    throw failure;
  }
}

/** https://git-scm.com/docs/protocol-v2#_fetch */
function fetchRequest(want: string, have: string): Buffer {
  const args = ["thin-pack", "no-progress", "ofs-delta", `want ${want}`, `have ${have}`, "done"];
  return Buffer.concat([pktLine("command=fetch\n"), DELIM, ...args.map((arg) => pktLine(`${arg}\n`)), FLUSH]);
}

/** The side bands of the section that has the pack: gitprotocol-pack(5) */
const [PACK, PROGRESS] = [1, 2];

function readAnswer(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let isInPack = false;
  for (let at = 0; ; ) {
    const length = lengthAt(bytes, at);
    if (length === 0 && isInPack) return Buffer.concat(parts);
    if (length === null || length <= LENGTH_DIGITS || at + length > bytes.length) throw invalid("broke off");
    const line = bytes.subarray(at + LENGTH_DIGITS, at + length);
    at += length;
    if (isInPack) {
      if (line[0] === PACK) parts.push(line.subarray(1));
      else if (line[0] !== PROGRESS) throw refused(line.toString("latin1", 1));
    } else if (line.toString("latin1") === "packfile\n") isInPack = true;
    else throw refused(line.toString("latin1"));
  }
}

/** A replica of GitHub's that has not seen the push yet says that the object is not its own. */
const refused = (said: string): RefreshError =>
  /not our ref [0-9a-f]{40}/.test(said)
    ? new RefreshError("not_yet", `GitHub does not serve the object yet: ${asMessage(said)}`)
    : invalid(`says ${JSON.stringify(said.slice(0, 80))}`);

const invalid = (what: string) => invalidAnswer("fetch", what);
