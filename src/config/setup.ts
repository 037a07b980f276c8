import { ABOUT, VARIABLES, WEBHOOK_PATH } from "./variables.js";

/** The settings for Probot's setup page. */
export interface Setup {
  /** The environment for Probot's server, which would otherwise forward from WEBHOOK_PROXY_URL. */
  serverEnv: NodeJS.ProcessEnv;
  /** The settings that were given, which later starts need too. */
  settings: Record<string, string>;
  /** Whether the webhook's URL is the page's own address, where no delivery is accepted. */
  hookIsPage: boolean;
  hasToken: boolean;
  /** Ends the setup, once the App is registered. */
  end(values: Record<string, string>): void;
}

/** What the registration gives, and what the page needs for itself. */
const OF_SETUP = ["APP_ID", "PRIVATE_KEY", "PRIVATE_KEY_PATH", "WEBHOOK_SECRET", "WEBHOOK_PROXY_URL"];
/** A secret that was given stays where it came from. */
const SETUP_SETTINGS = Object.entries(VARIABLES.shape)
  .filter(([name, schema]) => !OF_SETUP.includes(name) && !ABOUT.get(schema)?.secret)
  .map(([name]) => name);
/** The address leads nowhere, by RFC 2606: GitHub logs only what it tries to deliver. */
const NOWHERE = "https://lockstep.invalid/";

/**
 * Checks whether Probot is about to serve its setup page, which shows and accepts credentials. The page is
 * then reachable on loopback alone and opens no public relay, unless the environment says otherwise. The page
 * puts WEBHOOK_PROXY_URL into the App's manifest.
 * @returns null: the App is registered
 */
export function setupOf(env: NodeJS.ProcessEnv): Setup | null {
  const hasKey = env.PRIVATE_KEY || env.PRIVATE_KEY_PATH;
  if (env.APP_ID || hasKey || env.NODE_ENV === "production") return null;
  const settings = SETUP_SETTINGS.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  env.HOST ||= "127.0.0.1";
  env.NO_SMEE_SETUP ||= "true";
  const serverEnv = { ...env };
  const served = (url: string) => url.replace(/\/+$/, "") + (env.WEBHOOK_PATH || WEBHOOK_PATH);
  const relay = env.WEBHOOK_PROXY_URL ?? "";
  const hook = relay || (env.DELIVERIES === "pull" ? NOWHERE : env.PUBLIC_URL ? served(env.PUBLIC_URL) : "");
  env.WEBHOOK_PROXY_URL = hook;
  return {
    serverEnv,
    settings: Object.fromEntries(settings),
    hookIsPage: hook === "",
    hasToken: Boolean(env.API_TOKEN),
    end: (values) => void Object.assign(env, values, { WEBHOOK_PROXY_URL: relay }),
  };
}
