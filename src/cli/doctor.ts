import { type Config, ConfigError, loadConfig, loadSurroundings } from "../config/load.js";
import { checkApp, checkClock } from "../doctor/app.js";
import { checkDatabase, checkDataDir } from "../doctor/data-dir.js";
import { checkDisk, checkSecrets } from "../doctor/files.js";
import { type Finding, fail, ok, warn } from "../doctor/finding.js";
import { checkGit, checkNode, checkProxies } from "../doctor/machine.js";
import { checkRedis } from "../doctor/redis.js";
import { checkWebhook } from "../doctor/webhook.js";
import { createInspector } from "../github/inspect.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print, printJson, styled } from "./print.js";

const COLORS = { ok: "green", warn: "yellow", fail: "red" } as const;
const DEFAULT_MIN_FREE = 2 ** 30;

/** Checks everything that Lockstep needs on this machine and at GitHub; changes nothing. */
export async function examine(json: boolean): Promise<void> {
  loadEnvFile();
  const findings: Finding[] = [];
  const report = (...found: Finding[]) => {
    findings.push(...found);
    if (!json) for (const finding of found) printFinding(finding);
  };
  const around = loadSurroundings();
  const config = readConfig(report);
  for (const { name, meant } of around.misspelt)
    report(warn("configuration", `nothing reads ${name}`, `is ${meant} meant? Rename it`));
  report(checkNode(), await checkGit(around), ...checkProxies(around));
  report(
    ...checkSecrets(around),
    checkDataDir(around),
    ...checkDatabase(around),
    checkDisk(around, config?.minFreeDisk ?? DEFAULT_MIN_FREE),
  );
  if (config?.cluster) report(...(await checkRedis(config.cluster)));
  if (config) await askGitHub(config, report);
  const isWell = findings.every(({ level }) => level !== "fail");
  if (json) printJson({ ok: isWell, findings });
  // Open keep-alive connections would delay the exit by some seconds.
  process.exit(isWell ? EXIT.done : EXIT.failed);
}

function readConfig(report: (...found: Finding[]) => void): Config | null {
  try {
    const config = loadConfig();
    report(ok("configuration", "every variable is valid"));
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) {
      const [detail = "", remedy = ""] = fault.split(" → ");
      report(fail("configuration", detail, remedy));
    }
    return null;
  }
}

async function askGitHub(config: Config, report: (...found: Finding[]) => void): Promise<void> {
  const github = createInspector({
    appId: config.appId,
    privateKey: config.privateKey,
    apiUrl: config.apiUrl,
    log: { debug() {}, warn() {} },
  });
  try {
    const clock = await checkClock(github);
    report(clock);
    // Without a connection to GitHub the other checks would all fail for the same reason.
    if (clock.about === "network") return;
    const app = await checkApp(github, {
      pullRequests: config.refs("refs/pull/1/head"),
      properties: config.asksForProperties,
      wikis: config.keepsWikis,
    });
    report(...app);
    if (app[0]?.level === "ok") report(...(await checkWebhook(github, config)));
  } finally {
    await github.close();
  }
}

function printFinding({ about, level, detail, remedy }: Finding): void {
  print(`${styled(COLORS[level], level.padEnd(4))}  ${about}: ${detail}`);
  if (remedy) print(`      → ${remedy}`);
}
