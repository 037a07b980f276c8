import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Probot, run } from "probot";
import { type Config, loadConfig } from "../config/load.js";
import type { Setup } from "../config/setup.js";
import { createGitHub } from "../github/api.js";
import { createInspector } from "../github/inspect.js";
import type { Handler } from "../http/handler.js";
import { mount } from "../http/mount.js";
import { setupDoor } from "../http/setup-door.js";
import lockstep from "../index.js";
import { AnswerError } from "./client.js";
import { updateEnvFile } from "./env-file.js";
import { EXIT } from "./exit.js";

type Values = Record<string, string>;

/** The browser needs this long to get its answer and then the page that confirms the registration. */
const LAST_PAGE_MS = 1_000;
const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** Serves Probot's setup page until the App is registered; `.env` then has the App's credentials. */
export async function registerApp(setup: Setup): Promise<void> {
  const home = process.cwd();
  const file = resolve(".env");
  // The file contains the private key.
  process.umask(0o077);
  requireWritable(file);
  await chmod(file, 0o600).catch(() => {});
  // Probot reads the manifest, app.yml, from the working directory.
  if (!existsSync("app.yml")) process.chdir(PACKAGE);
  const values = await served(setup, file);
  process.chdir(home);
  setup.end(values);
  process.stdout.write(
    `The App is registered. Its credentials are in ${file}. Lockstep starts.\n` +
      `The page is at ${pageOf(setup)}; sign in with ${setup.hasToken ? "your API_TOKEN" : `API_TOKEN, which is in ${file}, too`}.\n`,
  );
  if (setup.hookIsPage) await useServedPath(loadConfig());
}

const pageOf = (setup: Setup): string => setup.serverEnv.PUBLIC_URL || localAddress(setup);

function localAddress({ serverEnv: { HOST = "127.0.0.1", PORT = "3000" } }: Setup): string {
  const isAny = HOST === "0.0.0.0" || HOST === "::";
  return `http://${isAny ? "127.0.0.1" : HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`;
}

/** GitHub reveals the credentials only once, so an unwritable file is reported before the registration. */
function requireWritable(file: string): void {
  const probe = `${file}.new`;
  try {
    closeSync(openSync(probe, "w", 0o600));
    rmSync(probe);
  } catch (error) {
    throw new AnswerError(
      `${file} cannot be written (${(error as NodeJS.ErrnoException).code})`,
      EXIT.failed,
      "start it in a directory that you may write to, or set APP_ID, PRIVATE_KEY and WEBHOOK_SECRET",
    );
  }
}

/** Resolves when Probot's server has sent its last answer and released its port. */
async function served(setup: Setup, file: string): Promise<Values> {
  let resolve: (values: Values) => void = () => {};
  const registered = new Promise<Values>((done) => {
    resolve = done;
  });
  const { HOST: host, PORT: port = "3000", PUBLIC_URL: publicUrl, LOG_LEVEL: level = "" } = setup.serverEnv;
  // At info Probot asks for a restart, which Lockstep does not need.
  const quietEnv = { ...setup.serverEnv, LOG_LEVEL: ["trace", "debug"].includes(level) ? level : "warn" };
  const server = await runBehind(setupDoor({ host, publicUrl }), {
    env: quietEnv as never,
    updateEnv(given) {
      const { APP_ID, PRIVATE_KEY = "", WEBHOOK_SECRET = "" } = given as Values;
      if (!APP_ID) return given;
      const token: Values = setup.hasToken ? {} : { API_TOKEN: randomBytes(32).toString("hex") };
      // Probot puts quotes around the key.
      const key = PRIVATE_KEY.replace(/^"|"$/g, "");
      const values: Values = { ...setup.settings, ...token, APP_ID, PRIVATE_KEY: key, WEBHOOK_SECRET };
      updateEnvFile(file, values);
      setTimeout(resolve, LAST_PAGE_MS, values);
      return given;
    },
  });
  process.stdout.write(
    `Lockstep has no GitHub App yet. To register one, open ${localAddress(setup)} in a browser on this machine;\n` +
      `on a server, forward the port first: ssh -N -L ${port}:127.0.0.1:${port} <server>. Lockstep then starts by itself.\n` +
      "If you have an App already: lockstep init --help\n",
  );
  const values = await registered;
  await server.stop();
  return values;
}

/**
 * Probot calls no app function while the setup page is served, so only its class, not its instance, is
 * accessible.
 */
async function runBehind(door: Handler, options: Parameters<typeof run>[1]): ReturnType<typeof run> {
  const { getNodeMiddleware } = Probot.prototype;
  mount(Probot.prototype, [door]);
  try {
    return await run(lockstep, options);
  } finally {
    Probot.prototype.getNodeMiddleware = getNodeMiddleware;
  }
}

/** Adds the webhook path: the manifest had only the page's address, which accepts no deliveries. */
async function useServedPath(config: Config): Promise<void> {
  const { appId, privateKey, apiUrl } = config;
  const options = { appId, privateKey, apiUrl, log: { debug() {}, warn() {} } };
  const inspector = createInspector(options);
  const github = createGitHub(options);
  try {
    const { url } = await inspector.hook();
    if (URL.canParse(url) && new URL(url).pathname === "/")
      await github.setWebhookUrl(new URL(config.webhookPaths[0]!, url).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `lockstep: the App's webhook URL could not be set (${reason}): \`lockstep doctor\`\n`,
    );
  } finally {
    await Promise.all([inspector.close(), github.close()]);
  }
}
