import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { parseCheckouts } from "./checkouts.js";
import { parseReaders } from "./readers.js";
import { ABOUT, VARIABLES } from "./variables.js";

export type Name = keyof typeof VARIABLES.shape;
export type Environment = Partial<Record<string, string>>;

export const nameOf = (issue: z.core.$ZodIssue): Name => String(issue.path[0]) as Name;

export function fieldFault(issue: z.core.$ZodIssue, env: Environment): string {
  const name = nameOf(issue);
  return fault(name, env[name] === undefined ? "is missing" : issue.message, env);
}

export function fault(name: Name, wrong: string, env: Environment): string {
  const { remedy, secret } = ABOUT.get(VARIABLES.shape[name])!;
  const value = env[name]?.replace(/\/\/[^/@]*@/, "//…@");
  const got = value === undefined || secret ? "" : `, got ${JSON.stringify(value)}`;
  return `${name}: ${wrong}${got} → ${remedy}`;
}

const PASTED: readonly (readonly [RegExp, string, string])[] = [
  [/[\r\n]$/, "ends with a line end", "remove it; printf '%s' writes none, and echo does"],
  [/\\n$/, "ends with \\n", "remove it"],
  [/^\s|^\ufeff|\s$/, "begins or ends with white space", "remove it"],
  [/^(["'`]).*\1$/s, "has quotes around it", "remove them; Docker's --env-file takes quotes literally"],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  [/[\x00-\x1f\x7f]/, "contains a line end or another control character", "write it on one line"],
];

/** What is around these is unmistakable, so they are read in spite of it. */
const TOLERANT: readonly Name[] = ["PRIVATE_KEY", "ANNOUNCE_URLS"];

/**
 * Returns the faults of secrets that were pasted with more than themselves, by the variable's name. Nothing else would
 * show them: every signature is merely wrong.
 */
export function pasteFaults(env: Environment): Map<Name, string> {
  const secrets = (Object.keys(VARIABLES.shape) as Name[]).filter(
    (name) => ABOUT.get(VARIABLES.shape[name])!.secret && !TOLERANT.includes(name),
  );
  return new Map(
    secrets.flatMap((name) => {
      const found = PASTED.find(([pattern]) => pattern.test(env[name] ?? ""));
      return found ? [[name, `${name}: ${found[1]} → ${found[2]}`] as const] : [];
    }),
  );
}

export function announceFaults(env: Environment): string[] {
  const faults: string[] = [];
  if (env.ANNOUNCE_URLS && !env.ANNOUNCE_SECRET) faults.push(fault("ANNOUNCE_SECRET", "is missing", env));
  if (env.ANNOUNCE_HOOK && !isUsable(resolve(env.ANNOUNCE_HOOK), "file", constants.X_OK))
    faults.push(fault("ANNOUNCE_HOOK", "is not an executable file", env));
  return faults;
}

/** A gate that cannot run would hold every publish back, or let every publish through. */
export function gateFaults(env: Environment): string[] {
  const needed = { ssh: "ALLOWED_SIGNERS", openpgp: "GPG_HOME" } as const;
  const wanted = needed[env.VERIFY_SIGNATURES as keyof typeof needed];
  const faults = wanted && !env[wanted] ? [fault(wanted, "is missing", env)] : [];
  const paths = [
    ["PRE_PUBLISH_HOOK", "file", constants.X_OK, "cannot be run"],
    ["ALLOWED_SIGNERS", "file", constants.R_OK, "cannot be read"],
    ["GPG_HOME", "directory", constants.R_OK | constants.X_OK, "cannot be read"],
  ] as const;
  for (const [name, kind, mode, wrong] of paths) {
    const path = env[name];
    if (path?.startsWith("/") && !isUsable(path, kind, mode)) faults.push(fault(name, wrong, env));
  }
  return faults;
}

/** A token for another server must not be good for this one. */
export function readerFaults(env: Environment): string[] {
  const hasOidc = parseReaders(env.READERS ?? "")?.includes("oidc") ?? false;
  return hasOidc && !env.OIDC_AUDIENCE ? [fault("OIDC_AUDIENCE", "is missing", env)] : [];
}

/** A ref without its history cannot be shown to be forced. */
export function depthFaults(env: Environment): string[] {
  const isBlind = env.HISTORY === "block" && parseCheckouts(env.CHECKOUTS ?? "")?.hasDepth;
  return isBlind
    ? [
        "HISTORY: cannot be set to block if CHECKOUTS specifies a depth → remove the depth, or set HISTORY=keep",
      ]
    : [];
}

/** @param mode as in access(2) */
export function isUsable(path: string, kind: "file" | "directory", mode: number): boolean {
  try {
    accessSync(path, mode);
    // Whoever names a device as a file, such as /dev/null, means a file.
    return statSync(path).isDirectory() === (kind === "directory");
  } catch {
    return false;
  }
}
