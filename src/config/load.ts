import { resolve } from "node:path";
import type { z } from "zod";
import type { History } from "../base/model.js";
import { allowList, matchesPattern } from "../base/patterns.js";
import { type AlertSettings, alertsOf } from "./alerts.js";
import { NO_CHECKOUTS, type Selection } from "./checkouts.js";
import { type Choice, choiceOf } from "./choice.js";
import { type Cluster, clusterFaults, clusterOf } from "./cluster.js";
import {
  announceFaults,
  depthFaults,
  type Environment,
  fieldFault,
  gateFaults,
  nameOf,
  pasteFaults,
  readerFaults,
} from "./faults.js";
import { type LogForm, logFormOf } from "./log-form.js";
import { findMisspelt, type Misspelt } from "./misspelt.js";
import { readPrivateKey } from "./private-key.js";
import { type Signers, signersOf, type TreeBudget, treeBudgetOf } from "./publishing.js";
import { type ReaderSettings, readerSettings } from "./readers.js";
import { type Serve, serveFaults, serveOf } from "./serve.js";
import { type Setup, setupOf } from "./setup.js";
import { staleAfter } from "./stale-after.js";
import { type TelemetrySettings, telemetryOf } from "./telemetry.js";
import { VARIABLES, WEBHOOK_PATH } from "./variables.js";

/** The configuration is everything that can be set from outside, validated. Times are in milliseconds. */
export interface Config {
  readonly appId: string;
  readonly logForm: LogForm;
  /** The key is PEM, in PKCS#1 or PKCS#8. */
  readonly privateKey: string;
  /** The current secret comes first, then the previous one while rotating. Empty: webhooks are not served. */
  readonly webhookSecrets: readonly string[];
  readonly webhookPaths: readonly string[];
  /** null: the operator surface is not served. */
  readonly apiToken: string | null;
  /** The URL has no trailing slash. */
  readonly apiUrl: string;
  /** The URL has no trailing slash. */
  readonly gitUrl: string;
  /** The path is absolute. */
  readonly dataDir: string;
  /** Whether REPOSITORIES includes `owner/name`. */
  readonly repositories: (fullName: string) => boolean;
  /** Whether REPOSITORIES includes a repository by what GitHub says of it. */
  readonly hasTraits: Choice["byTraits"];
  /** Whether REPOSITORIES asks for custom properties. */
  readonly asksForProperties: boolean;
  /** Each ref pattern has at most one `*`. */
  readonly refspecs: readonly string[];
  /** Whether REFSPECS has more than branches and tags. */
  readonly customRefs: boolean;
  /** Whether REFSPECS includes a ref. */
  readonly refs: (ref: string) => boolean;
  readonly concurrency: number;
  /** null: the backstop is off. */
  readonly intervalMs: number | null;
  readonly fullFetchIntervalMs: number;
  /** Whether deliveries come in by webhook, or are read from the App's deliveries API. */
  readonly deliveries: "webhook" | "pull";
  readonly pullIntervalMs: number;
  /** What happens to the old tip when a ref is forced or deleted. */
  readonly history: History;
  readonly keepHistoryMs: number;
  /** The number of kept tips that each mirror may have. */
  readonly maxKeptTips: number;
  readonly retireAfterMs: number;
  /** Whether mirrors are kept with the objects of Git LFS that their refs name. */
  readonly keepsLfs: boolean;
  /** Whether wikis are mirrored, each as a repository of its own. */
  readonly keepsWikis: boolean;
  /** Bytes; 0: no minimum. */
  readonly minFreeDisk: number;
  readonly quietPeriodMs: number;
  readonly fetchTimeoutMs: number;
  readonly cloneTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly staleAfterMs: number;
  /** The URL has a scheme, a host and a port only. */
  readonly publicUrl: string | null;
  /** The list has IP addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[];
  /** How many requests a second one address may send. */
  readonly webhookRate: number;
  /** How many requests a minute one address may send beyond `webhookRate`. */
  readonly webhookBurst: number;
  /** The absolute path of the program that runs for changed refs; null: none. */
  readonly announceHook: string | null;
  readonly announceTimeoutMs: number;
  /** These URLs receive every event by HTTP. */
  readonly announceUrls: readonly string[];
  /** `whsec_` and base64; set whenever `announceUrls` has an entry. */
  readonly announceSecret: string | null;
  /** Where alerts go, and when; null: nowhere. */
  readonly alerts: AlertSettings | null;
  /** The repositories and refs whose trees are published, by `owner/name`. */
  readonly checkouts: Selection;
  /**
   * The repositories that may be published as submodules in addition to those of the repository's own
   * installation.
   */
  readonly submodulesFrom: { allows(fullName: string): boolean; refuses(fullName: string): boolean };
  /** How long a reader keeps a tree that a newer tree has replaced. */
  readonly checkoutGraceMs: number;
  /** What one published tree may have, its submodules included. */
  readonly treeBudget: TreeBudget;
  /** null: no program is asked before a tree is published. */
  readonly prePublishHook: string | null;
  readonly prePublishTimeoutMs: number;
  /** The keys of which one must have signed a commit before it is published; null: no signature is needed. */
  readonly signers: Signers | null;
  /** Where mirrors are served to other machines; null: nowhere. */
  readonly serve: Serve | null;
  /** Who may read mirrors over HTTPS. */
  readonly readers: ReaderSettings;
  /** What makes this Lockstep a node of a cluster; null: it is alone. */
  readonly cluster: Cluster | null;
  /** Where traces and metrics are sent; null: nowhere. */
  readonly telemetry: TelemetrySettings | null;
  readonly gitBinary: string;
  /** Whether a small process of its own starts git. */
  readonly gitStarter: boolean;
  /** Whether small pushes are fetched without `git fetch`. */
  readonly directFetch: boolean;
  /** The path of a file with certificates that Node.js trusts besides its own; null: none. */
  readonly extraCertificates: string | null;
  /** Variables that nothing reads, and whose names are nearly those of others. */
  readonly misspelt: readonly Misspelt[];
  /** PATH is the only part of this environment that a git process sees. */
  readonly searchPath: string;
}

/** The error has every fault in the environment, one a line, with the remedy and without any secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly faults: readonly string[]) {
    super(["Lockstep cannot start with this environment:", ...faults].join("\n  "));
  }
}

const ENVIRONMENT = VARIABLES.partial().required({ APP_ID: true });
type Values = z.output<typeof ENVIRONMENT>;

const ALLOW_NONE = allowList([]);
const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Reads the environment; an empty variable counts as not set.
 * @throws {ConfigError} naming every fault at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value)) as Environment;
  const result = ENVIRONMENT.safeParse(given);
  const key = readPrivateKey(given);
  const pasted = pasteFaults(given);
  // A line end that was pasted says more than what it makes wrong.
  const others = result.success ? [] : result.error.issues.filter((issue) => !pasted.has(nameOf(issue)));
  const faults = [...pasted.values(), ...others.map((issue) => fieldFault(issue, given))];
  if ("fault" in key) faults.push(key.fault);
  faults.push(...announceFaults(given), ...gateFaults(given), ...depthFaults(given));
  faults.push(...serveFaults(given), ...readerFaults(given), ...clusterFaults(given));
  if (!result.success || "fault" in key || faults.length > 0) throw new ConfigError(faults);
  const searchPath = given.PATH ?? SEARCH_PATH;
  const extraCertificates = given.NODE_EXTRA_CA_CERTS ?? null;
  return deepFreeze({
    ...toConfig(result.data),
    privateKey: key.pem,
    searchPath,
    extraCertificates,
    misspelt: findMisspelt(env),
    logForm: logFormOf(given),
  });
}

/**
 * @returns null: the App is registered, so that no setup page comes
 * @throws {ConfigError} for settings that would prevent the start after the registration
 */
export function prepareSetup(env: NodeJS.ProcessEnv = process.env): Setup | null {
  const setup = setupOf(env);
  const { error } = setup ? VARIABLES.partial().safeParse(setup.settings) : {};
  if (error) throw new ConfigError(error.issues.map((issue) => fieldFault(issue, setup!.settings)));
  return setup;
}

/** Reads what a check-up needs beyond the configuration, which may have faults. */
export function loadSurroundings(env: NodeJS.ProcessEnv = process.env) {
  const names = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] as const;
  return {
    proxies: names.map((name) => ({ name, value: env[name.toLowerCase()] || env[name] || "" })),
    extraCertificates: env.NODE_EXTRA_CA_CERTS || null,
    privateKeyPath: env.PRIVATE_KEY_PATH || null,
    dataDir: resolve(env.DATA_DIR || "data"),
    gitBinary: env.GIT_BINARY || "git",
    searchPath: env.PATH || SEARCH_PATH,
    misspelt: findMisspelt(env),
  };
}

/** Says where the command line finds a running Lockstep. @param url given on the command line */
export function loadClientConfig(url?: string, env: NodeJS.ProcessEnv = process.env) {
  const address = url ?? (env.LOCKSTEP_URL || `http://localhost:${env.PORT || 3000}`);
  return { url: address.replace(/\/+$/, ""), token: env.API_TOKEN?.trim() || null };
}

/** Gives Probot, which accepts fewer forms of a key, the form that was verified. */
export function passKeyToProbot({ privateKey }: Pick<Config, "privateKey">, env = process.env): void {
  if (env.PRIVATE_KEY) env.PRIVATE_KEY = privateKey;
}

type OfSurroundings = "privateKey" | "searchPath" | "extraCertificates" | "misspelt" | "logForm";

function toConfig(values: Values): Omit<Config, OfSurroundings> {
  const refspecs = values.REFSPECS ?? ["refs/heads/*", "refs/tags/*"];
  const customRefs = refspecs.some((pattern) => !/^refs\/(heads|tags)\//.test(pattern));
  const choice = choiceOf(values.REPOSITORIES);
  const fullFetchIntervalMs = values.FULL_FETCH_INTERVAL ?? 24 * HOUR;
  const host = values.GHE_HOST;
  const gitUrl = `${values.GHE_PROTOCOL ?? "https"}://${host}`;
  const intervalMs = values.INTERVAL === "off" ? null : (values.INTERVAL ?? 5 * MINUTE);
  const { WEBHOOK_SECRET: secret, WEBHOOK_SECRET_PREVIOUS: previous } = values;
  return {
    appId: values.APP_ID,
    webhookSecrets: secret ? distinct(secret, previous ?? secret) : [],
    webhookPaths: distinct(values.WEBHOOK_PATH ?? WEBHOOK_PATH, "/api/v1/webhooks/github"),
    apiToken: values.API_TOKEN ?? null,
    apiUrl: host ? `${gitUrl}/api/v3` : "https://api.github.com",
    gitUrl: host ? gitUrl : "https://github.com",
    dataDir: resolve(values.DATA_DIR ?? "data"),
    repositories: choice.byName,
    hasTraits: choice.byTraits,
    asksForProperties: choice.asksForProperties,
    refspecs,
    customRefs,
    refs: (ref) => matchesPattern(ref, refspecs),
    concurrency: values.CONCURRENCY ?? 4,
    intervalMs,
    fullFetchIntervalMs,
    deliveries: values.DELIVERIES === "pull" ? "pull" : "webhook",
    pullIntervalMs: values.PULL_INTERVAL ?? 10_000,
    history: (values.HISTORY ?? "keep") as History,
    keepHistoryMs: values.KEEP_HISTORY ?? 30 * DAY,
    maxKeptTips: values.KEEP_HISTORY_TIPS ?? 25_000,
    retireAfterMs: values.RETIRE_AFTER ?? 7 * DAY,
    keepsLfs: values.LFS === "yes",
    keepsWikis: values.WIKIS === "yes",
    minFreeDisk: values.MIN_FREE_DISK ?? 2 ** 30,
    quietPeriodMs: values.QUIET_PERIOD ?? 0,
    fetchTimeoutMs: values.FETCH_TIMEOUT ?? 2 * MINUTE,
    cloneTimeoutMs: values.CLONE_TIMEOUT ?? HOUR,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT ?? 10_000,
    staleAfterMs: values.STALE_AFTER ?? staleAfter(intervalMs, customRefs ? fullFetchIntervalMs : 0),
    publicUrl: values.PUBLIC_URL ?? null,
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    webhookRate: values.WEBHOOK_RATE ?? 200,
    webhookBurst: values.WEBHOOK_BURST ?? 2_000,
    announceHook: values.ANNOUNCE_HOOK ? resolve(values.ANNOUNCE_HOOK) : null,
    announceTimeoutMs: values.ANNOUNCE_TIMEOUT ?? MINUTE,
    announceUrls: values.ANNOUNCE_URLS ?? [],
    announceSecret: values.ANNOUNCE_SECRET ?? null,
    alerts: alertsOf(values),
    checkouts: values.CHECKOUTS ?? NO_CHECKOUTS,
    submodulesFrom: values.SUBMODULES_FROM ? allowList(values.SUBMODULES_FROM) : ALLOW_NONE,
    checkoutGraceMs: values.CHECKOUT_GRACE ?? MINUTE,
    treeBudget: treeBudgetOf(values),
    prePublishHook: values.PRE_PUBLISH_HOOK ?? null,
    prePublishTimeoutMs: values.PRE_PUBLISH_TIMEOUT ?? MINUTE,
    signers: signersOf(values),
    serve: serveOf(values),
    readers: readerSettings(values, host ? gitUrl : null),
    cluster: clusterOf(values),
    telemetry: telemetryOf(values),
    gitBinary: values.GIT_BINARY ?? "git",
    gitStarter: values.GIT_STARTER !== "no",
    directFetch: values.DIRECT_FETCH !== "no",
  };
}

const distinct = (...texts: string[]): string[] => [...new Set(texts)];

function deepFreeze<T extends object>(config: T): Readonly<T> {
  for (const value of Object.values(config)) if (Array.isArray(value)) Object.freeze(value);
  return Object.freeze(config);
}
