import type { Probot } from "probot";
import { compose, type Lockstep } from "./compose/lockstep.js";
import { ConfigError, loadConfig } from "./config/load.js";
import { mount } from "./http/mount.js";
import { hideCredentials } from "./http/privacy.js";

/**
 * The Probot app function: `probot run ./lib/index.js`. Everything is served from the instance's
 * replaced getNodeMiddleware; see docs/adr/0002-one-front-door.md.
 */
export default async function lockstep(app: Probot): Promise<void> {
  process.umask(0o027);
  hideCredentials();
  const running = await startOrExit(app);
  mount(app, running.handlers);
  stopOnSignals(app, running);
  running.start();
}

/** Probot has no handler for a failing app function: its stack trace would bury the remedy. */
async function startOrExit(app: Probot): Promise<Lockstep> {
  try {
    return await compose(loadConfig(), app.log);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${error instanceof ConfigError ? message : `Lockstep cannot start: ${message}`}\n`);
    process.exit(1);
  }
}

/**
 * `probot run` installs no handler of its own. Probot keeps its HTTP server to itself, so the port stays
 * open until the end: deliveries are answered 503, which GitHub records as failed. A second signal ends at once.
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
    // The log is a stream: its last lines leave after this turn.
    setTimeout(() => process.exit(), 50);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
