import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import { compose, type Lockstep } from "../compose/lockstep.js";
import type { OnceResult, OnceStep } from "../compose/once.js";
import { type Config, ConfigError, loadConfig } from "../config/load.js";
import { DirectoryTaken } from "../store/database.js";
import { AnswerError } from "./client.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print, printJson, printProgress } from "./print.js";

/** Runs one pass without a server: no port, no webhook, no clock. */
export async function syncOnce(json: boolean): Promise<void> {
  loadEnvFile();
  process.umask(0o027);
  const lockstep = await open();
  const stop = async () => {
    await lockstep.close();
    process.stderr.write("lockstep: stopped; the next run does the rest\n");
    process.exit(EXIT.failed);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
  const steps: OnceStep[] = [];
  const result = await lockstep.once((step) => {
    steps.push(step);
    if (!json) showStep(step);
  });
  await lockstep.close();
  if (json) printJson({ ...summary(result), repositories: steps.map(asJson) });
  else printResult(result, steps);
  // Open keep-alive connections would delay the exit by some seconds.
  process.exit(result.failure ? EXIT.failed : result.fresh ? EXIT.done : EXIT.stale);
}

async function open(): Promise<Lockstep> {
  try {
    return await compose(withoutServer(loadConfig()), LOG);
  } catch (error) {
    if (error instanceof ConfigError) throw new AnswerError(error.message, EXIT.failed);
    if (!(error instanceof DirectoryTaken)) throw error;
    throw new AnswerError(
      `a running Lockstep already uses ${error.dataDir}`,
      EXIT.failed,
      "the running Lockstep keeps everything in step by itself; see `lockstep status`, or run `lockstep refresh owner/name`",
    );
  }
}

const withoutServer = (server: Config): Config => ({
  ...server,
  intervalMs: null,
  deliveries: "webhook",
  publicUrl: null,
  apiToken: null,
  webhookSecrets: [],
});

/** Failures are printed as steps; other log lines are meant for a server. */
const LOG: Log = {
  debug: () => {},
  info: () => {},
  warn(details, message) {
    if (message === "refresh failed") return;
    process.stderr.write(`lockstep: ${message} ${JSON.stringify(details)}\n`);
  },
  error: (_, message) => void process.stderr.write(`lockstep: ${message}\n`),
};

function showStep(step: OnceStep): void {
  const { done, of, repository, error } = step;
  const line = `${done}/${of} ${fullName(repository)} ${repository.state}`;
  if (error) print(`${line}: ${error.code}: ${error.message}\n  → ${error.hint}`);
  else printProgress(line);
}

const asJson = ({ repository, error }: OnceStep) => ({
  repository: fullName(repository),
  state: repository.state,
  error: error && { code: error.code, message: error.message, hint: error.hint },
});

const summary = ({ fresh, problems, failure }: OnceResult) => ({
  fresh,
  problems,
  failure: failure && { code: failure.code, message: failure.message, hint: failure.hint },
});

function printResult({ fresh, problems, failure }: OnceResult, steps: OnceStep[]): void {
  const found = failure ? [{ code: failure.code, detail: failure.message, remedy: failure.hint }] : problems;
  for (const { code, detail, remedy } of found) print(`${code}: ${detail}\n  → ${remedy}`);
  const notFresh = steps.filter(({ repository }) => repository.state !== "fresh").length;
  const outcome = fresh ? "all fresh" : notFresh > 0 ? `${notFresh} not fresh` : "not fresh";
  print(`${steps.length} repositories, ${outcome}`);
}
