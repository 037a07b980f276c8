import { join } from "node:path";
import { asRefreshError, isSystemError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { checkDatabase, checkDataDir, notADatabase } from "../doctor/data-dir.js";
import { type Finding, fail } from "../doctor/finding.js";
import { checkCertificates, checkStartedGit } from "../doctor/machine.js";
import type { RunGit } from "../git/run/exec.js";
import type { GitHub } from "../github/api.js";
import type { Processes } from "../machine/processes.js";
import type { Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { DirectoryTaken } from "../store/database.js";
import { createFacts, type Facts } from "../store/facts.js";
import { createTally, type Tally } from "../store/tally.js";
import type { Records } from "./records.js";

/** Something that a start needs cannot be used. The message names it, its variable and a remedy. */
export class Unusable extends Error {
  override readonly name = "Unusable";

  constructor(findings: readonly Finding[], cause?: unknown) {
    const lines = findings.map(({ about, detail, remedy }) => `${about}: ${detail} → ${remedy}`);
    super(lines.join("\n  "), { cause });
  }
}

/** Makes the checks of `lockstep doctor` that concern this machine. @throws Unusable with all that fail */
export function requireUsable({
  dataDir,
  extraCertificates,
}: Pick<Config, "dataDir" | "extraCertificates">): void {
  requireNone([
    checkDataDir({ dataDir }),
    ...checkDatabase({ dataDir }),
    ...(extraCertificates ? [checkCertificates(extraCertificates)] : []),
  ]);
}

/** @throws Unusable when git cannot be started or is too old */
export async function requireGit(
  git: RunGit,
  { gitBinary, searchPath }: Pick<Config, "gitBinary" | "searchPath">,
): Promise<void> {
  requireNone([await checkStartedGit(git, { gitBinary, searchPath })]);
}

function requireNone(findings: readonly Finding[]): void {
  const failing = findings.filter(({ level }) => level === "fail");
  if (failing.length > 0) throw new Unusable(failing);
}

/** Says what an error of the system or of SQLite at the start means for an operator; other errors stay as they are. */
export function explainStart(error: unknown, { dataDir }: Pick<Config, "dataDir">): unknown {
  if (error instanceof Unusable || error instanceof DirectoryTaken || !isSystemError(error)) return error;
  const { code, message } = asRefreshError(error);
  if (/SQLITE_(?:NOTADB|CORRUPT)/.test(String((error as NodeJS.ErrnoException).code)))
    return new Unusable([notADatabase(join(dataDir, "lockstep.db"))], error);
  const remedy =
    code === "disk_full"
      ? "free some space, or move DATA_DIR to another disk (docs/operations.md)"
      : "run lockstep doctor, and check owner, mode and attributes (lsattr) of what is in it";
  const detail = `${dataDir} ${code === "disk_full" ? "has no space left" : "cannot be used"} (${message})`;
  return new Unusable([fail("DATA_DIR", detail, remedy)], error);
}

export async function endSurvivors(processes: Pick<Processes, "endSurvivors">, log: Log): Promise<void> {
  const ended = await processes.endSurvivors();
  if (ended > 0)
    log.warn(
      { event: "survivors_stopped", ended },
      "stopped git processes that an earlier Lockstep left running",
    );
}

/** Names variables that are no fault, and probably not meant. */
export function tellMisspelt({ misspelt }: Pick<Config, "misspelt">, log: Log): void {
  for (const { name, meant } of misspelt)
    log.warn({ event: "variable_unknown", name, meant }, `nothing reads ${name}: is ${meant} meant?`);
}

/**
 * Sets the App's webhook URL from PUBLIC_URL. A failure is logged and not fatal, because deliveries may still
 * arrive.
 */
export async function announceUrl(
  url: string,
  github: Pick<GitHub, "setWebhookUrl">,
  log: Log,
): Promise<void> {
  try {
    await github.setWebhookUrl(url);
    log.info({ event: "webhook_url_set", url }, "set the App's webhook URL");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      { event: "webhook_url_not_set", url, reason },
      "could not set the App's webhook URL; set it in the App's settings",
    );
  }
}

/**
 * Refuses another App's key, to which every known installation would look deleted.
 * @throws Error when DATA_DIR belongs to another App
 */
export function requireSameApp({ appId, dataDir }: Pick<Config, "appId" | "dataDir">, store: Store): void {
  const facts = createFacts(store);
  const known = facts.get<string>("app") ?? appId;
  if (known !== appId) {
    throw new Error(
      `${dataDir} belongs to App ${known}, and APP_ID is ${appId}. Correct APP_ID, or give this App its own DATA_DIR.`,
    );
  }
  facts.set("app", appId);
}

interface TallyNeeds {
  log: Log;
  records: Pick<Records, "layout" | "facts" | "registry">;
  releasers: Releasers;
}

/** Determines which facts in the database are still true of the mirrors. */
export function openTally(config: Pick<Config, "refspecs">, { log, records, releasers }: TallyNeeds): Tally {
  const { layout, facts, registry } = records;
  noteRefspecs(config.refspecs, facts, registry);
  const tally = createTally(layout.tally, facts, log);
  requireSameTime(tally, registry, log);
  // The mark is written last, because it states that database and mirrors are of the same time.
  releasers.add("tally", tally.close);
  return tally;
}

/** A changed REFSPECS adds or removes refs, which only a full comparison finds. */
function noteRefspecs(refspecs: readonly string[], facts: Facts, registry: Registry): void {
  const before = facts.get<string[]>("refspecs");
  if (before && before.join() !== refspecs.join()) registry.recheckAll();
  facts.set("refspecs", refspecs);
}

/** Database or mirrors were lost or restored from a backup, so the database's proofs are discarded. */
function requireSameTime(tally: Tally, registry: Registry, log: Log): void {
  if (!tally.matches()) {
    registry.doubtAll();
    log.warn(
      { event: "mirrors_from_other_time" },
      "the database and the mirrors are from different points in time; Lockstep compares every mirror with GitHub",
    );
  }
  tally.next();
}
