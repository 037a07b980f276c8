import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { startLimit } from "../machine/limit.js";
import { ADVERTISEMENT_TYPE } from "./advertisement.js";
import { type Head, RESULT_TYPE, type Source } from "./answer.js";
import type { Passed } from "./pass-through.js";
import type { Version } from "./request/form.js";
import type { Way } from "./rights.js";
import type { Slots } from "./slots.js";

/** What another node is asked in a reader's place. It says who the reader is, and has no credential. */
export interface NodeCall {
  repositoryId: number;
  /** The name by which the reader asks. */
  owner: string;
  name: string;
  reader: string;
  /** How this node has proven the reader's right. */
  way: Way;
  version: Version;
  /** The request, rewritten; null: the list of refs of versions 0 and 1. */
  body: Buffer | null;
}

/** The other nodes of a cluster, for readers of mirrors. */
export interface OtherNodes {
  /** Returns the nodes that are alive and may have the mirror in step, the best first. */
  nodesWith(repositoryId: number): readonly string[];
  isAlive(node: string): boolean;
  /**
   * Sends the request, signed. @param onAlive called when the other node says that it is still at work
   * @returns the answer's head @throws what the connection fails with
   */
  send(
    node: string,
    call: NodeCall,
    options: { signal: AbortSignal; onAlive(): void },
  ): Promise<IncomingMessage>;
  /** Limits how many readers other nodes answer at a time. */
  passing: Slots;
  /** The time for a whole answer, in milliseconds. */
  timeoutMs: number;
  /** A node that sends nothing for this long, and a reader that takes nothing, are given up. Milliseconds; default: a minute. */
  silenceMs?: number;
}

/** An answer of another node, whose first byte has arrived. */
export interface NodeAnswer {
  head: Head;
  stream: Readable;
}

const SILENCE_MS = 60_000;
/** While another node answers, it is looked this often whether that node is alive, in milliseconds. */
const LOOK_MS = 1_000;

type Asking = Pick<Passed, "response" | "route" | "right" | "version" | "signal">;

/**
 * Asks the nodes that may have the mirror, one after the other. After the first byte of an answer no other node is asked.
 * @param body the request, rewritten; null: the list of refs of versions 0 and 1
 * @returns null: none of them can answer @throws Refusal 503 when too many readers wait
 */
export async function askOtherNodes(
  others: OtherNodes,
  asking: Asking,
  body: Buffer | null,
): Promise<NodeAnswer | null> {
  const { right, route, version, signal } = asking;
  const { repositoryId } = right;
  const nodes = repositoryId === null ? [] : others.nodesWith(repositoryId);
  if (repositoryId === null || nodes.length === 0) return null;
  const { owner, name } = route;
  const call: NodeCall = {
    repositoryId,
    owner,
    name,
    reader: right.reader,
    way: right.way,
    version,
    body,
  };
  const giveBack = await others.passing.take(signal);
  try {
    for (const node of nodes) {
      const answer = await askNode(others, { node, call, asking });
      if (!answer) continue;
      answer.stream.once("close", giveBack);
      return answer;
    }
  } catch (error) {
    giveBack();
    throw error;
  }
  giveBack();
  return null;
}

interface Asked {
  node: string;
  call: NodeCall;
  asking: Asking;
}

/** @returns null: the node cannot answer @throws the signal's reason once the reader has gone */
async function askNode(others: OtherNodes, { node, call, asking }: Asked): Promise<NodeAnswer | null> {
  const { response, signal } = asking;
  let answer: IncomingMessage | undefined;
  let signs = 0;
  // A reader that has not taken what is there keeps the other node waiting.
  const progress = () =>
    response.writableNeedDrain
      ? (response.socket?.bytesWritten ?? 0)
      : signs + (answer?.socket.bytesRead ?? 0);
  const stall = { ms: others.silenceMs ?? SILENCE_MS, progress };
  const limit = startLimit({ timeoutMs: others.timeoutMs, signal, stall });
  const look = setInterval(() => {
    if (!others.isAlive(node)) limit.end("stalled");
  }, LOOK_MS);
  const release = () => {
    clearInterval(look);
    limit.release();
  };
  try {
    answer = await others.send(node, call, { signal: limit.signal, onAlive: () => signs++ });
    answer.once("close", release);
    if (answer.statusCode !== 200) {
      answer.destroy();
      return null;
    }
    if (answer.readableLength === 0 && !answer.readableEnded) await once(answer, "readable");
    return { head: headOf(node, answer, call), stream: answer };
  } catch {
    release();
    signal.throwIfAborted();
    return null;
  }
}

const SOURCES: readonly string[] = ["mirror", "fetched", "github"] satisfies Source[];

function headOf(node: string, { headers }: IncomingMessage, { body }: NodeCall): Head {
  const { "x-lockstep-source": source, "x-lockstep-proven-at": provenAt } = headers;
  const proven = typeof provenAt === "string" ? Date.parse(provenAt) : Number.NaN;
  return {
    type: body === null ? ADVERTISEMENT_TYPE : RESULT_TYPE,
    source: SOURCES.includes(String(source)) ? (source as Source) : "mirror",
    provenAt: Number.isNaN(proven) ? null : proven,
    node,
  };
}
