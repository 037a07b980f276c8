import { asMessage } from "../base/message.js";
import { EXIT } from "./exit.js";

export interface ClientOptions {
  url: string;
  /** Null sends requests without a token. */
  token: string | null;
  json: boolean;
}

/** A failed call, in the form that a person at the terminal sees. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
  constructor(
    message: string,
    readonly exitCode: number,
    readonly remedy?: string,
    /** The HTTP status of the answer. */
    readonly status?: number,
  ) {
    super(message);
  }
}

export interface Client {
  readonly json: boolean;
  /** @throws AnswerError for every status except 2xx */
  ask<T>(method: "GET" | "POST", path: string, body?: object): Promise<{ status: number; body: T }>;
  /** Opens an answer that is a stream. @throws AnswerError */
  open(path: string, headers: Record<string, string>): Promise<ReadableStream<Uint8Array>>;
}

/** In characters. */
const MAX_SAID = 1_000;

interface Problem {
  detail?: string;
  remedy?: string;
  reason?: string;
}

/** @throws AnswerError when the URL is not usable */
export function createClient({ url, token, json }: ClientOptions): Client {
  requireUrl(url);
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };

  async function call(path: string, { headers, ...init }: RequestInit): Promise<Response> {
    try {
      return await fetch(url + path, {
        ...init,
        headers: { ...authorization, ...headers } as Record<string, string>,
      });
    } catch (error) {
      const { cause } = error as { cause?: { code?: string; message?: string } };
      // fetch refuses ports of other protocols.
      if (cause?.message === "bad port") throw wrongUrl("names a port that clients may not connect to");
      const code = cause?.code ?? String(error);
      throw new AnswerError(
        `${url} does not answer (${code})`,
        EXIT.unreachable,
        "start Lockstep with `lockstep start`, or give its address with --url or LOCKSTEP_URL",
      );
    }
  }

  return {
    json,
    async ask(method, path, body) {
      const answer = await call(path, { method, ...(body && { body: JSON.stringify(body) }) });
      if (answer.ok)
        return { status: answer.status, body: (await answer.json().catch(refuseStranger)) as never };
      throw await failure(answer, token);
    },
    async open(path, headers) {
      const answer = await call(path, { headers });
      if (answer.ok && !answer.headers.get("content-type")?.startsWith("text/event-stream")) refuseStranger();
      if (answer.ok && answer.body) return answer.body;
      throw await failure(answer, token);
    },
  };
}

function requireUrl(url: string): void {
  const { protocol, username, password } = URL.canParse(url) ? new URL(url) : new URL("none:");
  if (protocol !== "http:" && protocol !== "https:") throw wrongUrl("is not an http or https URL");
  if (username || password) throw wrongUrl("contains a user name or a password");
}

/** The URL is not printed, because it may contain a password. */
const wrongUrl = (wrong: string) =>
  new AnswerError(
    `the URL in --url or LOCKSTEP_URL ${wrong}`,
    EXIT.usage,
    "write it as http://localhost:3000; the token goes into API_TOKEN",
  );

function refuseStranger(): never {
  throw new AnswerError(
    "the response is not from Lockstep's API",
    EXIT.failed,
    "check --url or LOCKSTEP_URL; a different server responds there",
  );
}

async function failure(answer: Response, token: string | null): Promise<AnswerError> {
  const problem = await problemOf(answer);
  if (problem.detail === undefined && answer.status === 404) {
    return new AnswerError(
      "the server does not serve the API",
      EXIT.failed,
      "set API_TOKEN for the server",
      404,
    );
  }
  const remedy =
    answer.status === 401 && token === null ? "set API_TOKEN, or put it in .env" : problem.remedy;
  const message = problem.detail ?? `the server answered ${answer.status}`;
  return new AnswerError(message, exitCodes.get(answer.status) ?? EXIT.failed, remedy, answer.status);
}

/** Another server's page or JSON has no message of Lockstep's. */
async function problemOf(answer: Response): Promise<Problem> {
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  const sent = (isProblem ? await answer.json().catch(() => null) : null) as Record<string, unknown> | null;
  const said = (name: string) => {
    const value = sent?.[name];
    return typeof value === "string" ? { [name]: asMessage(value, MAX_SAID) } : {};
  };
  return { ...said("detail"), ...said("remedy"), ...said("reason") };
}

const exitCodes = new Map<number, number>([
  [400, EXIT.usage],
  [408, EXIT.timeout],
  [504, EXIT.timeout],
]);

/** Returns the API path of `owner/name`. @throws AnswerError when the name is not valid */
export function repositoryPath(fullName: string): string {
  const [owner, name, ...rest] = fullName.split("/");
  // A URL treats a segment of dots as a directory.
  if (!owner || !name || rest.length > 0 || [owner, name].some((part) => /^\.\.?$/.test(part))) {
    throw new AnswerError(`${fullName} is not a repository`, EXIT.usage, "write it as owner/name");
  }
  return `/api/v1/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}
