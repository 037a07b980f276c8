import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import type { Command } from "commander";
import { ConfigError, loadConfig, loadSurroundings } from "../config/load.js";
import { findMisspelt } from "../config/misspelt.js";
import { AnswerError } from "./client.js";
import { updateEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print } from "./print.js";

interface Given {
  appId?: string;
  key?: string;
  secretFile?: string;
  publicUrl?: string;
  pull?: boolean;
  set?: string[];
  replace?: boolean;
}

type Values = Record<string, string>;

/** Writes `.env` for an App that was registered by hand. No secret is taken from the command line, where others see it. */
export function addInitCommand(program: Command): void {
  program
    .command("init")
    .description("write .env for an App that you registered by hand; asks for what no option gives")
    .option("--app-id <number>", "the App's number")
    .option("--key <file>", "the .pem file with the App's private key")
    .option("--secret-file <file>", "a file with the App's webhook secret; without it one is made")
    .option("--public-url <url>", "this server as GitHub sees it")
    .option("--pull", "read deliveries from GitHub's API; for a server that GitHub cannot reach")
    .option("--set <NAME=value...>", "further variables, such as REPOSITORIES=acme/*")
    .option("--replace", "replace values that .env has already")
    .addHelpText(
      "after",
      "\nExample:\n  lockstep init --app-id 123456 --key key.pem --public-url https://lockstep.example.com",
    )
    .action(async (given: Given) => writeEnv(await complete(given)));
}

/** Asks for what is missing, at a terminal. @throws AnswerError when there is no terminal to ask at */
async function complete(given: Given): Promise<Given> {
  const isComplete = given.appId && given.key && (given.publicUrl || given.pull);
  if (isComplete) return given;
  if (!process.stdin.isTTY) {
    if (given.appId && given.key) return given;
    throw new AnswerError(
      "--app-id and --key are missing, and there is no terminal to ask for them at",
      EXIT.usage,
      "write lockstep init --app-id <number> --key <file> --public-url <url>",
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ask = async (question: string) => (await terminal.question(question)).trim();
  try {
    const appId = given.appId ?? (await ask("App ID (on the App's settings page): "));
    const key = given.key ?? (await ask("File with the App's private key (.pem): "));
    if (given.pull || given.publicUrl) return { ...given, appId, key };
    const publicUrl = await ask("This server as GitHub sees it, https://… (empty: GitHub cannot reach it): ");
    return { ...given, appId, key, ...(publicUrl ? { publicUrl } : { pull: true }) };
  } finally {
    terminal.close();
  }
}

function writeEnv(given: Given): void {
  const file = resolve(".env");
  const present = readPresent(file);
  const values = valuesOf(given, present);
  requireNoLoss(file, present, values, { replaces: given.replace ?? false });
  requireRightNames(values);
  const warning = check(file, { ...present, ...values });
  updateEnvFile(file, values);
  print(
    [`${file} is written, for its owner only: ${Object.keys(values).join(", ")}.`, ...warning].join("\n"),
  );
  print(nextSteps(file, given, values, present));
}

function readPresent(file: string): Values {
  try {
    return parseEnv(readFileSync(file, "utf8")) as Values;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

function valuesOf(given: Given, present: Values): Values {
  const { appId = "", key = "", secretFile, publicUrl, pull, set = [] } = given;
  const secret = secretFile
    ? readSecret(secretFile)
    : present.WEBHOOK_SECRET || randomBytes(32).toString("hex");
  return {
    ...Object.fromEntries(set.map(assignmentOf)),
    APP_ID: appId,
    PRIVATE_KEY_PATH: resolve(key),
    WEBHOOK_SECRET: secret,
    API_TOKEN: present.API_TOKEN || randomBytes(32).toString("hex"),
    ...(publicUrl && { PUBLIC_URL: publicUrl }),
    ...(pull && { DELIVERIES: "pull" }),
  };
}

function assignmentOf(text: string): [name: string, value: string] {
  const [, name, value] = /^([A-Z][A-Z_]*)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new AnswerError(`${text} is not of the form NAME=value`, EXIT.usage, "write --set NAME=value");
  return [name, value];
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new AnswerError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, EXIT.failed);
  }
}

function requireNoLoss(file: string, present: Values, values: Values, { replaces }: { replaces: boolean }) {
  const names = Object.keys(values).filter((name) => present[name] && present[name] !== values[name]);
  if (names.length === 0 || replaces) return;
  throw new AnswerError(
    `${file} has other values of ${names.join(", ")}; nothing is written`,
    EXIT.failed,
    "add --replace to replace them",
  );
}

/** Nothing would read a name that is nearly right, so that it is not written. */
function requireRightNames(values: Values): void {
  const [wrong] = findMisspelt(values);
  if (!wrong) return;
  throw new AnswerError(
    `${wrong.name} is not a variable of Lockstep's; nothing is written`,
    EXIT.usage,
    `write ${wrong.meant}, if that is meant`,
  );
}

/** Checks what a start would check. @returns lines with what is allowed, but not good @throws AnswerError with all faults */
function check(file: string, env: Values): string[] {
  try {
    const { misspelt } = loadConfig({ PATH: loadSurroundings().searchPath, ...env });
    const unknown = misspelt.map(
      ({ name, meant }) => `${name} is not a variable of Lockstep's; is ${meant} meant?`,
    );
    return [...unknown, ...describeOpenKey(env.PRIVATE_KEY_PATH!)];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new AnswerError(`${file} is not written. ${error.message}`, EXIT.failed);
  }
}

/** Others of the machine could read the key, and with it every repository of the App. */
const describeOpenKey = (path: string): string[] =>
  statSync(path).mode & 0o077 ? [`Other users may read ${path}: chmod 600 ${path}`] : [];

function nextSteps(file: string, { secretFile, pull }: Given, values: Values, present: Values): string {
  const isSecretNew = !secretFile && !present.WEBHOOK_SECRET;
  const secret = `Put WEBHOOK_SECRET of ${file} into the App's settings, as its webhook secret.`;
  const url = values.PUBLIC_URL
    ? "The start sets the App's webhook URL."
    : "Set the App's webhook URL to this server, with /api/github/webhooks.";
  const steps = [
    ...(pull ? [] : [url]),
    ...(isSecretNew ? [secret] : []),
    "Install the App on your account, with the repositories to mirror.",
    "`lockstep doctor` checks all of it, and `lockstep start` starts Lockstep.",
    `The page asks for API_TOKEN, which is in ${file}, too.`,
  ];
  return ["Next:", ...steps.map((step, n) => `  ${n + 1}. ${step}`)].join("\n");
}
