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
  ) {
    super(message);
  }
}

export interface Client {
  readonly json: boolean;
  /** @throws AnswerError for anything but 2xx and the statuses named */
  ask<T>(method: "GET" | "POST", path: string, allowed?: number[]): Promise<{ status: number; body: T }>;
  /** The lines of an answer that goes on. */
  lines(path: string, headers: Record<string, string>): AsyncIterable<string>;
}

interface Told {
  detail?: string;
  remedy?: string;
  reason?: string;
}

export function createClient({ url, token, json }: ClientOptions): Client {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };

  async function call(method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
    try {
      return await fetch(url + path, { method, headers: { ...authorization, ...headers } });
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
    async ask(method, path, allowed = []) {
      const answer = await call(method, path);
      if (answer.ok || allowed.includes(answer.status))
        return { status: answer.status, body: (await answer.json()) as never };
      throw await failure(answer, token);
    },
    async *lines(path, headers) {
      const answer = await call("GET", path, headers);
      if (!answer.ok || !answer.body) throw await failure(answer, token);
      let rest = "";
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    },
  };
}

async function failure(answer: Response, token: string | null): Promise<AnswerError> {
  const told = (await answer.json().catch(() => ({}))) as Told;
  if (told.detail === undefined && answer.status === 404) {
    return new AnswerError("the API is not served there", EXIT.failed, "set API_TOKEN for the server");
  }
  const remedy = answer.status === 401 && token === null ? "set API_TOKEN, or put it in .env" : told.remedy;
  const isLate = answer.status === 504 || answer.status === 408;
  const message = told.detail ?? `the server answered ${answer.status}`;
  return new AnswerError(message, isLate ? EXIT.timeout : EXIT.failed, remedy);
}

/** `owner/name` as a path of the API. @throws AnswerError when it is none */
export function repositoryPath(fullName: string): string {
  const [owner, name, ...rest] = fullName.split("/");
  if (!owner || !name || rest.length > 0) {
    throw new AnswerError(`${fullName} is no repository`, EXIT.usage, "write it as owner/name");
  }
  return `/api/v1/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
}
