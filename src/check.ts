import { loadConfig } from "./config.js";

/**
 * `npm start` runs this first: Probot gives up at the first of its own variables that is wrong, before
 * the app function, and with it Lockstep's validation, is reached. Without APP_ID Probot's setup page
 * is meant, and there is nothing to check yet.
 */
try {
  process.loadEnvFile();
} catch {
  // no .env: the environment is all there is
}
try {
  loadConfig();
} catch (error) {
  const { message } = error as Error;
  if (!/^\s*APP_ID: .*(?:not set|missing)/m.test(message)) {
    process.stderr.write(`${message}\n`);
    process.exitCode = 1;
  }
}
