import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { sendOnce } from "../alerts/send.js";
import { ConfigError, loadConfig } from "../config/load.js";
import { AnswerError } from "./client.js";
import { loadEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";
import { print } from "./print.js";

/** Sends one message to ALERT_URL, without a server. */
export function addTestAlertCommand(program: Command): void {
  program
    .command("test-alert")
    .description("send a message to ALERT_URL, to see that it arrives; exits 1 if it is not accepted")
    .addHelpText("after", "\nExample:\n  lockstep test-alert")
    .action(async () => {
      loadEnvFile();
      const { alerts, publicUrl } = settings();
      if (!alerts)
        throw new AnswerError("ALERT_URL is not set", EXIT.failed, "docs/alerts.md says what it may be");
      await sendTest(
        alerts.url,
        `*Lockstep${publicUrl ? ` at ${publicUrl}` : ""}: a test*\nAlerts arrive here.`,
      );
      print(`accepted by ${new URL(alerts.url).host}`);
    });
}

function settings() {
  try {
    return loadConfig();
  } catch (error) {
    throw error instanceof ConfigError ? new AnswerError(error.message, EXIT.failed) : error;
  }
}

async function sendTest(url: string, text: string): Promise<void> {
  try {
    await sendOnce(url, { id: randomUUID(), text });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AnswerError(`${new URL(url).host} did not accept the message: ${reason}`, EXIT.failed);
  }
}
