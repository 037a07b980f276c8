import type { Readable } from "node:stream";
import { asRefreshError } from "../base/errors.js";
import { readUpTo } from "../base/read-up-to.js";
import { sendBytes } from "./answer.js";
import { headOf, type MirrorNeeds, type Reading, type ServedMirror, share } from "./from-mirror.js";
import type { NodeAnswer } from "./other-nodes.js";
import { asRefusal, ownCredentials, type Passed, type PassPorts, targetFor } from "./pass-through.js";
import { createPacketReader } from "./pktline.js";
import { Refusal } from "./refusal.js";
import type { ListRequest } from "./request/form.js";
import { writeRequest } from "./request/write.js";
import { withSlot } from "./slots.js";

const JSON_TYPE = "application/json; charset=utf-8";

/** The ref that a repository's HEAD is, also where nobody has pushed to it yet. */
const HEAD: ListRequest = {
  command: "ls-refs",
  version: 2,
  peel: false,
  symrefs: true,
  unborn: true,
  prefixes: ["HEAD"],
};

/** The answer is one line. */
const MAX_ANSWER_BYTES = 64 * 1024;

interface Needs extends MirrorNeeds {
  pass: PassPorts;
  /** Asks other nodes. @returns null: none can answer, or there are none */
  ask(request: Buffer): Promise<NodeAnswer | null> | null;
}

type Asking = Reading & Pick<Passed, "route" | "right">;

/**
 * Answers what actions/checkout asks when it is given no ref: `GET /repos/{owner}/{repo}`, of which it reads the default
 * branch alone. git's protocol has the answer, so that the right to read is enough, and GitHub is asked the same way for
 * what is not mirrored. https://docs.github.com/en/rest/repos/repos#get-a-repository
 * @param mirror null: another node must be asked, else GitHub
 */
export async function sendDefaultBranch(
  needs: Needs,
  mirror: ServedMirror | null,
  asking: Asking,
): Promise<void> {
  const branch =
    mirror === null
      ? await askElsewhere(needs, asking)
      : await branchIn(
          share(needs, mirror, { version: 2, written: writeRequest(HEAD), dependsOnRefs: true }).stream,
        );
  if (branch === null) throw new Refusal(503, "the default branch is not known now", 10);
  sendBytes(asking.response, headOf(mirror, JSON_TYPE), JSON.stringify({ default_branch: branch }));
}

/** https://docs.github.com/en/rest/repos/repos#get-the-hash-algorithm-for-a-repository */
export function sendHashAlgorithm(
  mirror: ServedMirror | null,
  { response }: Pick<Reading, "response">,
): void {
  // Lockstep mirrors and passes on nothing else.
  sendBytes(response, headOf(mirror, JSON_TYPE), JSON.stringify({ hash_algorithm: "sha1" }));
}

async function askElsewhere({ pass, ask }: Needs, asking: Asking): Promise<string | null> {
  const body = Buffer.from(writeRequest(HEAD), "latin1");
  const answer = await ask(body);
  return answer ? branchIn(answer.stream) : askGitHub(pass, asking, body);
}

async function askGitHub(pass: PassPorts, asking: Asking, body: Buffer): Promise<string | null> {
  const target = targetFor(pass, asking);
  const { signal } = asking;
  return withSlot(pass.passing, signal, async () => {
    try {
      const authorization = ownCredentials(asking);
      return await branchIn(await pass.send(target, { body, version: 2, authorization, signal }));
    } catch (error) {
      throw error instanceof Refusal ? error : asRefusal(asRefreshError(error));
    }
  });
}

/** @returns null: the list names no branch */
async function branchIn(list: Readable): Promise<string | null> {
  const bytes = await readUpTo(list, MAX_ANSWER_BYTES);
  if (bytes === null) return null;
  let branch: string | null = null;
  const packets = createPacketReader(
    (packet) => {
      const [, name] =
        (packet.kind === "line" && /^\S+ HEAD symref-target:refs\/heads\/(\S+)/.exec(packet.text)) || [];
      if (name !== undefined) branch = Buffer.from(name, "latin1").toString();
    },
    { isOurs: true },
  );
  packets.push(bytes);
  return branch;
}
