import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isAhead } from "../base/clock.js";
import { readUpTo } from "../base/read-up-to.js";
import type { Seal } from "./seal.js";

/** Where a node answers other nodes. */
export const ASK_PATH = "/cluster/v1/ask";
/** The header with who asks what, signed: nothing of a stranger's body is read. */
const QUESTION = "x-lockstep-question";
const TIMEOUT_MS = 5_000;
/** Questions and answers name a few thousand repositories at most, in bytes. */
const MAX_BYTES = 2 ** 20;

interface Question {
  /** The name of the node that is to answer. */
  to: string;
  /** The name of the node that asks. */
  from: string;
  kind: string;
  /** SHA-256 of the body, in hex. */
  body: string;
  /** Random; the answer repeats it. */
  nonce: string;
  /** The asking node's clock, in milliseconds since 1970: an old question is not answered again. */
  at: number;
}

/** What a node answers, by kind of question; each throws what the asking node is to hear. */
export type Answers = Readonly<Record<string, (body: unknown, from: string) => unknown>>;

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Ports {
  self: string;
  seal: Seal;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

/**
 * Asks another node. @param url the other node's NODE_URL
 * @throws Error when it does not answer in time, or is not a node of this cluster with that name
 */
export type Ask = <T>(node: { name: string; url: string }, kind: string, body: unknown) => Promise<T>;

export function createAsk({ self, seal, now }: Ports): Ask {
  return async <T>({ name, url }: { name: string; url: string }, kind: string, body: unknown) => {
    const text = JSON.stringify(body ?? null);
    const nonce = randomUUID();
    const question: Question = { to: name, from: self, kind, body: hashOf(text), nonce, at: now() };
    const response = await fetch(url + ASK_PATH, {
      method: "POST",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        "content-type": "application/json",
        [QUESTION]: seal.close("ask", JSON.stringify(question)),
      },
      body: text,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`node ${name} answered ${response.status}`);
    }
    const read = response.body && (await readUpTo(response.body, MAX_BYTES));
    if (!read) throw new Error(`the answer of node ${name} is empty or too long`);
    const said = read.toString();
    const opened = seal.open("ask", said);
    const answer =
      opened === null ? null : (JSON.parse(opened) as { nonce?: string; value?: T; error?: string });
    if (answer?.nonce !== nonce) throw new Error(`what answers for node ${name} is not that node`);
    if (answer.error !== undefined) throw new Error(`node ${name}: ${answer.error}`);
    return answer.value as T;
  };
}

/** @returns a handler of HTTP requests; it resolves to false for what is no question of another node */
export function createAnswerer({ self, seal, now }: Ports, answers: Answers) {
  function read(header: unknown): Question | null {
    const opened = typeof header === "string" ? seal.open("ask", header) : null;
    if (opened === null) return null;
    const question = JSON.parse(opened) as Question;
    const isForMe = question.to === self && Object.hasOwn(answers, question.kind);
    return isForMe && !isAhead(question.at, now()) && !isAhead(now(), question.at) ? question : null;
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (request.url !== ASK_PATH) return false;
    const question = read(request.headers[QUESTION]);
    const text = question && (await readUpTo(request, MAX_BYTES).catch(() => null))?.toString();
    if (!question || text === undefined || hashOf(text ?? "") !== question.body) {
      response.writeHead(403, { connection: "close" }).end();
      return true;
    }
    const { kind, nonce } = question;
    const said = await Promise.resolve()
      .then(() => answers[kind]!(JSON.parse(text ?? "null"), question.from))
      .then(
        (value) => ({ nonce, value }),
        (error: unknown) => ({ nonce, error: error instanceof Error ? error.message : String(error) }),
      );
    response.writeHead(200, { "content-type": "text/plain" }).end(seal.close("ask", JSON.stringify(said)));
    return true;
  };
}
