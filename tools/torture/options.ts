import { parseOptions, UsageError } from "../run-tool.js";
import type { Kind } from "./kind.js";
import { KINDS } from "./kinds/index.js";
import { COUNTED_PUSHES } from "./push.js";
import { FILE_SYSTEMS, type FileSystem } from "./volume.js";
import type { Start } from "./world.js";

export const HELP = `Usage: npm run torture [-- --minutes 10 --seed 7 --only kill-9,power-cut]

Runs Lockstep against a stand-in for GitHub, does to it what a bad night does, and checks after each fault that every
mirror and tree is GitHub's again, without a further delivery, and that nothing is lost or left.

  --minutes <n>      how long; default 10
  --seed <n>         what is random; default a new one, which is printed
  --only <names>     only these kinds of faults
  --round <n>        only this round of the seed, as the message about a failed round says
  --file-system <fs> ext4 (default), xfs or btrfs, for the disk of DATA_DIR; needs root
  --cut <push:n>     power-cut-at-call begins at the nth system call of this push, as the message about a failed round
                     says; a run of this kind alone ends after the last call of the last push
  --every <n>        power-cut-at-call cuts at every nth call only, where time is short; default 1
  --markdown         prints the figures as docs/reliability.md has them
  --list             prints the kinds of faults

Exit status: 0 nothing was lost, 1 a round failed, 2 wrong use.`;

export interface Options {
  minutes: number;
  seed: number;
  kinds: Kind[];
  /** Null: all rounds from the first one on, until the time is over. */
  round: number | null;
  fileSystem: FileSystem;
  cut: Start;
  /** Whether the figures are printed as a table of a document. */
  isMarkdown: boolean;
}

/** @returns "help" or "list" when only that was wanted. @throws UsageError */
export function readOptions(args: string[]): Options | "help" | "list" {
  const values = parsed(args);
  if (values.help) return "help";
  if (values.list) return "list";
  return {
    minutes: positive("--minutes", values.minutes),
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : positive("--seed", values.seed),
    kinds: values.only === undefined ? KINDS : values.only.split(",").flatMap(kindsNamed),
    round: values.round === undefined ? null : positive("--round", values.round),
    fileSystem: fileSystemNamed(values["file-system"]),
    cut: startOf(values.cut, positive("--every", values.every)),
    isMarkdown: values.markdown === true,
  };
}

const parsed = (args: string[]) =>
  parseOptions(args, {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    only: { type: "string" },
    round: { type: "string" },
    "file-system": { type: "string", default: "ext4" },
    cut: { type: "string" },
    every: { type: "string", default: "1" },
    markdown: { type: "boolean" },
    list: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${name} must be a number above 0, not ${text}`);
  return value;
}

/** A name also stands for the kinds that begin with the name, such as `damaged`. */
function kindsNamed(name: string): Kind[] {
  const exact = KINDS.filter((kind) => kind.name === name);
  const found = exact.length > 0 ? exact : KINDS.filter((kind) => kind.name.startsWith(`${name}-`));
  if (found.length === 0) throw new UsageError(`there is no kind of fault ${name}; --list prints them`);
  return found;
}

function fileSystemNamed(name: string): FileSystem {
  const found = FILE_SYSTEMS.find((fileSystem) => fileSystem === name);
  if (!found) throw new UsageError(`--file-system must be one of ${FILE_SYSTEMS.join(", ")}, not ${name}`);
  return found;
}

function startOf(cut: string | undefined, every: number): Start {
  const names = COUNTED_PUSHES.map(({ name }) => name);
  const [push = "", call = ""] = (cut ?? `${names[0]}:1`).split(":");
  if (!names.includes(push))
    throw new UsageError(`--cut must begin with one of ${names.join(", ")}, not ${push}`);
  return { push, call: positive("the call of --cut", call), every };
}
