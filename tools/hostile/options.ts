import { parseOptions, UsageError } from "../run-tool.js";
import type { Attack } from "./attack.js";
import { ATTACKS } from "./attacks/index.js";
import type { Crowd } from "./crowd.js";
import { CROWDS } from "./crowds/index.js";

export const HELP = `Usage: npm run hostile [-- --requests 100000 --seed 7 --only fields,waiters]

Attacks a Lockstep that runs against a stand-in for GitHub with hostile requests of every kind, while crowds of clients
stay connected, and checks that it neither crashes nor believes anyone unverified, and that genuine pushes arrive.

  --requests <n>  how many hostile requests; default 100,000
  --seed <n>      what is random; default a new one, which is printed
  --only <names>  only these kinds of requests and crowds
  --share <n>     how much of each crowd comes, from 0 to 1; default 1
  --request <n>   only the request of this number, as the message about a failed one says
  --markdown      prints the figures as docs/security.md has them
  --list          prints the kinds of requests and crowds

Exit status: 0 Lockstep withstood, 1 it did not, 2 wrong use.`;

export interface Options {
  requests: number;
  seed: number;
  attacks: Attack[];
  crowds: Crowd[];
  /** From 0 to 1. */
  share: number;
  /** Null: every request. */
  request: number | null;
  /** Whether the figures are printed as a document has them. */
  isMarkdown: boolean;
}

/** @returns "help" or "list" when only that was wanted. @throws UsageError */
export function readOptions(args: string[]): Options | "help" | "list" {
  const values = parsed(args);
  if (values.help) return "help";
  if (values.list) return "list";
  const names = values.only?.split(",") ?? null;
  for (const name of names ?? []) checkName(name);
  const isWanted = ({ name }: { name: string }): boolean => names === null || names.includes(name);
  return {
    requests: wholeNumber("--requests", values.requests),
    seed:
      values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", values.seed),
    attacks: ATTACKS.filter(isWanted),
    crowds: CROWDS.filter(isWanted),
    share: shareOf(values.share),
    request: values.request === undefined ? null : wholeNumber("--request", values.request),
    isMarkdown: values.markdown === true,
  };
}

const parsed = (args: string[]) =>
  parseOptions(args, {
    requests: { type: "string", default: "100000" },
    seed: { type: "string" },
    only: { type: "string" },
    share: { type: "string", default: "1" },
    request: { type: "string" },
    markdown: { type: "boolean" },
    list: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name} must be a whole number, not ${text}`);
  return Number(text);
}

function shareOf(text: string): number {
  const share = Number(text);
  if (text === "" || !(share >= 0 && share <= 1))
    throw new UsageError(`--share must be a number from 0 to 1, not ${text}`);
  return share;
}

function checkName(wanted: string): void {
  if ([...ATTACKS, ...CROWDS].every(({ name }) => name !== wanted))
    throw new UsageError(`there is no kind of attack ${wanted}; --list prints them`);
}
