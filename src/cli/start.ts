import { run } from "probot";
import { ConfigError, loadConfig, prepareSetup } from "../config/load.js";
import lockstep from "../index.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { registerApp } from "./register.js";

/** Starts Probot with Lockstep. Without APP_ID and key, the page that registers the App is served first. */
export async function startServer(): Promise<void> {
  loadEnvFile();
  const setup = prepareSetup();
  if (setup) await registerApp(setup);
  requireConfig();
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
