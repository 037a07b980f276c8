import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { parseCheckouts } from "./checkouts.js";
import { ABOUT, VARIABLES } from "./variables.js";

export type Name = keyof typeof VARIABLES.shape;
export type Environment = Partial<Record<string, string>>;

export function fieldFault(issue: z.core.$ZodIssue, env: Environment): string {
  const name = String(issue.path[0]) as Name;
  return fault(name, env[name] === undefined ? "is missing" : issue.message, env);
}

export function fault(name: Name, wrong: string, env: Environment): string {
  const { remedy, secret } = ABOUT.get(VARIABLES.shape[name])!;
  const value = env[name]?.replace(/\/\/[^/@]*@/, "//…@");
  const got = value === undefined || secret ? "" : `, got ${JSON.stringify(value)}`;
  return `${name}: ${wrong}${got} → ${remedy}`;
}

export function announceFaults(env: Environment): string[] {
  const faults: string[] = [];
  if (env.ANNOUNCE_URLS && !env.ANNOUNCE_SECRET) faults.push(fault("ANNOUNCE_SECRET", "is missing", env));
  if (env.ANNOUNCE_HOOK && !isExecutable(resolve(env.ANNOUNCE_HOOK)))
    faults.push(fault("ANNOUNCE_HOOK", "is not an executable file", env));
  return faults;
}

/** A gate that cannot run would hold every publish back, or let every publish through. */
export function gateFaults(env: Environment): string[] {
  const needed = { ssh: "ALLOWED_SIGNERS", openpgp: "GPG_HOME" } as const;
  const wanted = needed[env.VERIFY_SIGNATURES as keyof typeof needed];
  const faults = wanted && !env[wanted] ? [fault(wanted, "is missing", env)] : [];
  const paths = [
    ["PRE_PUBLISH_HOOK", constants.X_OK, "cannot be run"],
    ["ALLOWED_SIGNERS", constants.R_OK, "cannot be read"],
    ["GPG_HOME", constants.R_OK | constants.X_OK, "cannot be read"],
  ] as const;
  for (const [name, mode, wrong] of paths) {
    const path = env[name];
    if (path?.startsWith("/") && !isAllowed(path, mode)) faults.push(fault(name, wrong, env));
  }
  return faults;
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

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
