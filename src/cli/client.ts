import { EXIT } from "./exit.js";

export interface ClientOptions {
  url: string;
  /** null: asked without one. */
  token: string | null;
  json: boolean;
}

/** An answer that is no success, as the person at the terminal is told it. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
  constructor(
    message: string,
    readonly exitCode: number,
    readonly remedy?: string,
    /** HTTP's. */
    readonly status?: number,
  ) {
    super(message);
  }
}

export interface Client {
  readonly json: boolean;
  /** @throws AnswerError for anything but 2xx */
  ask<T>(method: "GET" | "POST", path: string, body?: object): Promise<{ status: number; body: T }>;
  /** An answer that goes on. @throws AnswerError */
  open(path: string, headers: Record<string, string>): Promise<ReadableStream<Uint8Array>>;
}

interface Told {
  detail?: string;
  remedy?: string;
  reason?: string;
}

export function createClient({ url, token, json }: ClientOptions): Client {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };

  async function call(path: string, { headers, ...init }: RequestInit): Promise<Response> {
    try {
      return await fetch(url + path, {
        ...init,
        headers: { ...authorization, ...headers } as Record<string, string>,
      });
    } catch (error) {
      const code = (error as { cause?: { code?: string } }).cause?.code ?? String(error);
      throw new AnswerError(
        `${url} does not answer (${code})`,
        EXIT.unreachable,
        "start it with `lockstep start`, or name it with --url or LOCKSTEP_URL",
      );
    }
  }

  return {
    json,
    async ask(method, path, body) {
      const answer = await call(path, { method, ...(body && { body: JSON.stringify(body) }) });
      if (answer.ok) return { status: answer.status, body: (await answer.json()) as never };
      throw await failure(answer, token);
    },
    async open(path, headers) {
      const answer = await call(path, { headers });
      if (answer.ok && answer.body) return answer.body;
      throw await failure(answer, token);
    },
  };
}

async function failure(answer: Response, token: string | null): Promise<AnswerError> {
  const told = (await answer.json().catch(() => ({}))) as Told;
  if (told.detail === undefined && answer.status === 404) {
    return new AnswerError("the API is not served there", EXIT.failed, "set API_TOKEN for the server", 404);
  }
  const remedy = answer.status === 401 && token === null ? "set API_TOKEN, or put it in .env" : told.remedy;
  const isLate = answer.status === 504 || answer.status === 408;
  const message = told.detail ?? `the server answered ${answer.status}`;
  return new AnswerError(message, isLate ? EXIT.timeout : EXIT.failed, remedy, answer.status);
}

/** `owner/name` as a path of the API. @throws AnswerError when it is none */
export function repositoryPath(fullName: string): string {
  const [owner, name, ...rest] = fullName.split("/");
  if (!owner || !name || rest.length > 0) {
    throw new AnswerError(`${fullName} is no repository`, EXIT.usage, "write it as owner/name");
  }
  return `/api/v1/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}
