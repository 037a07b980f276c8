import { run } from "probot";
import type { Lockstep } from "../compose/lockstep.js";
import { ConfigError, loadConfig, passKeyToProbot, prepareSetup } from "../config/load.js";
import { startIn } from "../index.js";
import { AnswerError } from "./client.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { reportFailure } from "./failure.js";
import { registerApp } from "./register.js";

/** Starts Probot with Lockstep. Without APP_ID and key, the page that registers the App is served first. */
export async function startServer(): Promise<void> {
  loadEnvFile();
  let running: Lockstep | undefined;
  try {
    const setup = orExit(prepareSetup);
    if (setup) await registerApp(setup);
    orExit(() => passKeyToProbot(loadConfig()));
    await run(async (app) => {
      running = await startIn(app);
    });
  } catch (error) {
    reportFailure(withRemedy(error));
    // Without a port, Lockstep would hold DATA_DIR and work for nobody who could ask it.
    await running?.close().catch(reportFailure);
    process.exit(EXIT.failed);
  }
}

const OTHER_HOST = "set HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0";
/** Why a server cannot listen: https://nodejs.org/api/errors.html#common-system-errors */
const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: "stop the program that listens there, or set PORT to another port",
  EADDRNOTAVAIL: OTHER_HOST,
  ENOTFOUND: OTHER_HOST,
  EAI_AGAIN: OTHER_HOST,
  EACCES: "set PORT to 1024 or higher, or allow the user to open lower ports",
};

/** Adds what to do to a failure of Probot's server. */
function withRemedy(error: unknown): unknown {
  const { code = "", syscall = "", message = "" } = (error ?? {}) as NodeJS.ErrnoException;
  const isOfServer = ["listen", "bind", "getaddrinfo"].includes(syscall);
  const remedy = isOfServer ? REMEDIES[code] : undefined;
  return remedy ? new AnswerError(`Lockstep cannot start: ${message}`, EXIT.failed, remedy) : error;
}

function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.failed);
  }
}
