import { chmod } from "node:fs/promises";
import { run } from "probot";
import { ConfigError, loadConfig, prepareSetup } from "../config.js";
import lockstep from "../index.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";

/** Probot, with Lockstep in it. Without APP_ID and key Probot serves the page that registers the App. */
export async function startServer(): Promise<void> {
  loadEnvFile();
  if (prepareSetup()) {
    // What the page writes there holds the private key.
    process.umask(0o077);
    await chmod(".env", 0o600).catch(() => {});
  } else {
    requireConfig();
  }
  await run(lockstep);
}

function requireConfig(): void {
  try {
    loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.failed);
  }
}
