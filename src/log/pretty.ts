import { prettyFactory } from "pino-pretty";

/** Where pino keeps a logger's hooks; it is a public symbol: https://getpino.io/#/docs/api?id=hooks-object */
const HOOKS = Symbol.for("pino.hooks");
/** The time and the level begin the line; the process and Probot's names of its loggers say nothing to a reader. */
const NOT_FIELDS = new Set(["level", "time", "pid", "hostname", "name", "msg"]);

interface Hooks {
  streamWrite?: (line: string) => string;
}

/**
 * Makes a logger of Probot's, and all loggers made from the same one, write one line of text for each call, with its
 * time. Probot's own form has no time, and a line for each field. A logger that is not pino's stays as it is.
 */
export function writePretty(log: object): void {
  const root = ownerOfHooks(log);
  if (!root) return;
  const format = createFormat();
  // Probot's stream writes what is no JSON as it is.
  root[HOOKS] = { ...root[HOOKS], streamWrite: format };
}

/** Formats one line of pino's JSON as text, without a line end. */
export function createFormat(): (line: string) => string {
  const pretty = prettyFactory({
    colorize: process.stdout.hasColors?.() ?? false,
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'",
    ignore: "pid,hostname,name",
    hideObject: true,
    messageFormat: (log) => [oneLine(String(log.msg ?? "")), ...fieldsOf(log)].join(" "),
  });
  return (line) => pretty(line).trimEnd();
}

function fieldsOf(log: Record<string, unknown>): string[] {
  return Object.entries(log)
    .filter(([name, value]) => !NOT_FIELDS.has(name) && value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${textOf(value)}`);
}

/** A word stays as it is; everything else is quoted as in JSON. */
function textOf(value: unknown): string {
  if (Array.isArray(value) && value.length > 0 && value.every(isWord)) return value.join(",");
  if (isWord(value)) return String(value);
  const stack = stackOf(value);
  return oneLine(JSON.stringify(stack ?? value));
}

const isWord = (value: unknown): boolean =>
  typeof value === "number" ||
  typeof value === "boolean" ||
  value === null ||
  (typeof value === "string" && /^[\w./@:+~%-]+$/.test(value));

function stackOf(value: unknown): string | null {
  const { stack } = (value ?? {}) as { stack?: unknown };
  return typeof stack === "string" ? stack.replace(/\s*\n\s*/g, " | ") : null;
}

/** What others wrote, such as git's messages, can neither begin a line nor control a terminal. */
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) =>
    character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A logger made by `child` inherits the hooks of the logger that it was made from. */
function ownerOfHooks(log: object): { [HOOKS]?: Hooks } | null {
  let owner: object | null = log;
  while (owner && !Object.hasOwn(owner, HOOKS)) owner = Object.getPrototypeOf(owner) as object | null;
  return owner;
}
