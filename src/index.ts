import type { Probot } from "probot";
import { compose, type Lockstep } from "./compose/lockstep.js";
import { ConfigError, loadConfig } from "./config/load.js";
import { mount } from "./http/mount.js";
import { hideCredentials } from "./http/privacy.js";
import { writePretty } from "./log/pretty.js";
import { writeTogether } from "./log/together.js";

/**
 * The Probot app function: `probot run ./lib/index.js`. All requests are served from the instance's replaced
 * getNodeMiddleware; see docs/adr/0002-one-front-door.md.
 */
export default async function lockstep(app: Probot): Promise<void> {
  await startIn(app);
}

/** Starts Lockstep in a Probot instance, whose server does not listen yet. @returns what to close if it never does */
export async function startIn(app: Probot): Promise<Lockstep> {
  process.umask(0o027);
  hideCredentials();
  const running = await startOrExit(app);
  mount(app, running.handlers, app.log);
  stopOnSignals(app, running);
  running.start();
  return running;
}

/** Probot does not handle a failing app function, and its stack trace would bury the remedy. */
async function startOrExit(app: Probot): Promise<Lockstep> {
  try {
    const config = loadConfig();
    if (config.logForm === "text") writePretty(app.log);
    if (config.logForm !== "parsed") writeTogether(app.log);
    return await compose(config, app.log);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${error instanceof ConfigError ? message : `Lockstep cannot start: ${message}`}\n`);
    process.exit(1);
  }
}

/**
 * Handles signals, which `probot run` does not. Probot does not expose its HTTP server, so the port stays
 * open until the end: deliveries get a 503, which GitHub records as failed. A second signal ends the process
 * at once.
 */
function stopOnSignals(app: Probot, running: Lockstep): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    app.log.info(
      { event: "stopping", signal },
      "stopping: no more deliveries are accepted; a second signal exits immediately",
    );
    try {
      await running.close();
      app.log.info({ event: "stopped" }, "stopped");
    } catch (error) {
      app.log.error({ event: "stop_failed", err: error }, "shutdown failed");
      process.exitCode = 1;
    }
    // The log is a stream and writes its last lines after this turn of the event loop.
    setTimeout(() => process.exit(), 50);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
