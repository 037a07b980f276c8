import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readUpTo } from "../base/read-up-to.js";
import type { Members } from "./members.js";
import { createSigner, hashOf, type SignerPorts, sendToNode } from "./signed-request.js";

/** Where a node answers other nodes. */
export const ASK_PATH = "/cluster/v1/ask";
/** The header with who asks what, signed: nothing of a stranger's body is read. */
const QUESTION = "x-lockstep-question";
const TIMEOUT_MS = 5_000;
/** Questions and answers are a page of a list at most, in bytes. */
const MAX_BYTES = 4 * 2 ** 20;

interface Question {
  /** The name of the node that asks. */
  from: string;
  kind: string;
  /** Random; the answer repeats it. */
  nonce: string;
}

/** What a node answers, by kind of question; each throws what the asking node is to hear. */
export type Answers = Readonly<Record<string, (body: unknown, from: string) => unknown>>;

/**
 * Asks another node. @param url the other node's NODE_URL
 * @throws Error when it does not answer in time, or is not a node of this cluster with that name
 */
export type Ask = <T>(node: { name: string; url: string }, kind: string, body: unknown) => Promise<T>;

/** Asks the node of a name. @returns null: there is no such node, or it does not answer */
export type AskNamed = <T>(name: string, kind: string, body: unknown) => Promise<T | null>;

export const createAskNamed =
  (ask: Ask, members: Pick<Members, "get">): AskNamed =>
  async <T>(name: string, kind: string, body: unknown) => {
    const url = members.get(name)?.url;
    return url ? ask<T>({ name, url }, kind, body).catch(() => null) : null;
  };

export function createAsk(ports: SignerPorts): Ask {
  const { self, seal } = ports;
  const signer = createSigner(ports);
  return async <T>({ name, url }: { name: string; url: string }, kind: string, body: unknown) => {
    const text = JSON.stringify(body ?? null);
    const nonce = randomUUID();
    const question: Question = { from: self, kind, nonce };
    const response = await sendToNode(new URL(ASK_PATH, url), {
      method: "POST",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { "content-type": "application/json", [QUESTION]: signer.sign("ask", name, text, question) },
      body: text,
    });
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Error(`node ${name} answered ${response.statusCode}`);
    }
    const read = await readUpTo(response, MAX_BYTES);
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
export function createAnswerer(ports: SignerPorts, answers: Answers) {
  const signer = createSigner(ports);
  const read = (header: unknown) => {
    const question = signer.open("ask", header) as (Question & { body: string }) | null;
    return question && Object.hasOwn(answers, question.kind) ? question : null;
  };

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
    response
      .writeHead(200, { "content-type": "text/plain" })
      .end(ports.seal.close("ask", JSON.stringify(said)));
    return true;
  };
}
