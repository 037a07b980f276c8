import { isIP } from "node:net";
import { z } from "zod";
import { isRefPattern, isRepositoryPattern, parseList } from "../base/patterns.js";
import { formatDuration, parseDuration, parseSize } from "../base/units.js";
import { SAMPLE } from "./checkout-options.js";
import { describeWrongEntries, parseCheckouts } from "./checkouts.js";
import { parseChoice } from "./choice.js";
import {
  hasScheme,
  isAddressRange,
  isIssuer,
  isPostUrl,
  isSigningSecret,
  parseOrigin,
  parseQuietTimes,
  parseUrls,
} from "./formats.js";
import { parseOwnerRules, parseReaders, READER_WAYS } from "./readers.js";

/** What a fault needs in addition to its message. The value of a secret is never shown. */
export interface VariableMeta {
  remedy: string;
  secret?: boolean;
}

/** What is known of each variable in addition to its parser. */
export const ABOUT = z.registry<VariableMeta>();

/** Where Probot takes webhooks, and Lockstep, too, unless WEBHOOK_PATH says otherwise. */
export const WEBHOOK_PATH = "/api/github/webhooks";

const DAY = 86_400_000;
const HOUR = 3_600_000;

type Wrong = string | ((text: string) => string);

/** Defines one variable: text → value; `parse` returns null for a text that it cannot read. */
function variable<T>(parse: (text: string) => T | null, wrong: Wrong, meta: VariableMeta) {
  const schema = z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue(typeof wrong === "string" ? wrong : wrong(text));
    return z.NEVER;
  });
  return schema.register(ABOUT, meta);
}

const textWhere = (accepts: (text: string) => boolean, wrong: string, meta: VariableMeta) =>
  variable((text) => (accepts(text) ? text : null), wrong, meta);

const anyText = (meta: VariableMeta) => textWhere(() => true, "", meta);

const absolutePath = (remedy: string) =>
  textWhere((text) => text.startsWith("/"), "must be an absolute path", { remedy });

const oneOf = (...words: string[]) =>
  textWhere((text) => words.includes(text), "is not known", { remedy: `use one of ${words.join(", ")}` });

const whole = (min: number, max: number) =>
  variable(
    (text) => (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : null),
    `must be a whole number from ${min} to ${max}`,
    { remedy: "write digits only, or leave it out for the default" },
  );

const DURATION_REMEDY = "write a whole number and its unit (ms, s, m, h or d), such as 30s, 5m or 24h";

function durationWithin(min: number, max: number): (text: string) => number | null {
  return (text) => {
    const ms = parseDuration(text);
    return ms !== null && ms >= min && ms <= max ? ms : null;
  };
}

const span = (min: number, max: number) => `from ${formatDuration(min)} to ${formatDuration(max)}`;

const duration = (min: number, max: number) =>
  variable(durationWithin(min, max), `must be a duration ${span(min, max)}`, { remedy: DURATION_REMEDY });

function durationOrOff(min: number, max: number) {
  const parse = durationWithin(min, max);
  return variable<number | "off">(
    (text) => (text === "off" ? text : parse(text)),
    `must be off or a duration ${span(min, max)}`,
    { remedy: `${DURATION_REMEDY}, or off` },
  );
}

const size = variable((text) => (text === "0" ? 0 : parseSize(text)), "must be a size", {
  remedy: "write a whole number and its unit, such as 512MiB or 20GiB; 0 turns it off",
});

const listOf = (isEntry: (text: string) => boolean, wrong: string, remedy: string) =>
  variable(
    (text) => {
      const entries = parseList(text);
      return entries.length > 0 && entries.every(isEntry) ? entries : null;
    },
    wrong,
    { remedy },
  );

const HOST = /^(\[[\da-f:]+\]|[a-z\d]([a-z\d.-]*[a-z\d])?)(:\d{1,5})?$/i;
const KEY_REMEDY = "put the App's key in PRIVATE_KEY, or the path of its .pem file in PRIVATE_KEY_PATH";

const CERT_REMEDY =
  "name PEM files with the certificate's chain and its key, or set SERVE_TLS=proxy where a proxy in front has them";

const host = textWhere(
  (text) => isIP(text) !== 0 || /^[a-z\d.-]+$/i.test(text),
  "must be an address or a host name",
  { remedy: "write 0.0.0.0 to listen on every address" },
);

const sharedSecret = () =>
  textWhere((text) => /^[\x21-\x7e]{16,}$/.test(text), "must be 16 characters or more, no spaces", {
    remedy: "make one with: openssl rand -hex 32",
    secret: true,
  });

/** Keys of Redis and names of queues are made of these, so no other character may be in them. */
const shortName = () =>
  textWhere((text) => /^[a-z\d-]{1,40}$/.test(text), "must be a short name", {
    remedy: "write 1 to 40 of a-z, 0-9 and -, such as node-1",
  });

const origin = (example: string) =>
  variable(parseOrigin, "must be an http(s) URL without path and query", {
    remedy: `write it as ${example}`,
  });

const PROBOT = {
  APP_ID: textWhere((text) => /^[1-9]\d*$/.test(text), "must be the number of a GitHub App", {
    remedy: "copy the App ID from the App's settings page",
  }),
  // config/load.ts judges the content of both variables: a key may also lie in the working directory.
  PRIVATE_KEY: anyText({ remedy: KEY_REMEDY, secret: true }),
  PRIVATE_KEY_PATH: anyText({ remedy: KEY_REMEDY }),
  WEBHOOK_SECRET: anyText({ remedy: "", secret: true }),
  WEBHOOK_PATH: textWhere((text) => /^\/[^\s?#]+$/.test(text), "must be a path", {
    remedy: "write it with a leading / and without a query, such as /api/github/webhooks",
  }),
  WEBHOOK_PROXY_URL: textWhere((text) => hasScheme(text, "http:", "https:"), "must be an http(s) URL", {
    remedy: "open https://smee.io/new and copy the address it gives",
  }),
  // Probot treats 0 as "not set" and listens on 3000.
  PORT: whole(1, 65_535),
  HOST: host,
  LOG_LEVEL: oneOf("trace", "debug", "info", "warn", "error", "fatal"),
  LOG_FORMAT: oneOf("pretty", "json"),
  GHE_HOST: textWhere((text) => HOST.test(text), "must be a host name, with a port where needed", {
    remedy: "write it without https:// and without a path, such as github.example.com",
  }),
  GHE_PROTOCOL: oneOf("https", "http"),
  REDIS_URL: textWhere((text) => hasScheme(text, "redis:", "rediss:"), "must be a Redis URL", {
    remedy: "write it as redis://host:6379 or rediss://user:password@host:6380",
    secret: true,
  }),
};

const LOCKSTEP = {
  WEBHOOK_SECRET_PREVIOUS: anyText({ remedy: "", secret: true }),
  API_TOKEN: sharedSecret(),
  READERS: variable(parseReaders, "must be a list of ways", {
    remedy: `name some of ${READER_WAYS.join(", ")}`,
  }),
  OIDC_AUDIENCE: textWhere((text) => /^[\x21-\x7e]{1,200}$/.test(text), "must be a word without spaces", {
    remedy: "write the address that readers clone from, such as https://mirror.example.com",
  }),
  OIDC_ISSUER: variable(
    (text) => (isIssuer(text) ? text.replace(/\/+$/, "") : null),
    "must be an https URL",
    {
      remedy: "write it as https://github.example.com/_services/token",
    },
  ),
  OIDC_OWNERS: variable(parseOwnerRules, "must be a list of <id of an account>=<pattern>", {
    remedy:
      "write it as 9919=acme/*, and name a wiki's repository instead of the wiki; curl https://api.github.com/users/acme shows the id",
  }),
  DATA_DIR: anyText({ remedy: "" }),
  REPOSITORIES: variable(parseChoice, "must be a list of owner/name patterns and terms", {
    remedy:
      "write them as acme/*,!acme/secret-*,topic:docs,visibility:private,property:tier=1,!archived, and name a wiki's repository instead of the wiki",
  }),
  REFSPECS: listOf(
    isRefPattern,
    "must be a list of ref patterns outside refs/lockstep/",
    "write full ref names without a colon, each with at most one *, which must end a path component: refs/heads/*,refs/tags/*",
  ),
  CONCURRENCY: whole(1, 64),
  INTERVAL: durationOrOff(10_000, DAY),
  FULL_FETCH_INTERVAL: duration(60_000, 30 * DAY),
  DELIVERIES: oneOf("webhook", "pull"),
  PULL_INTERVAL: duration(1_000, HOUR),
  QUIET_PERIOD: duration(0, HOUR),
  FETCH_TIMEOUT: duration(1_000, DAY),
  CLONE_TIMEOUT: duration(1_000, 7 * DAY),
  SHUTDOWN_TIMEOUT: duration(0, HOUR),
  STALE_AFTER: duration(1_000, 30 * DAY),
  PUBLIC_URL: origin("https://lockstep.example.com"),
  TRUSTED_PROXIES: listOf(
    isAddressRange,
    "must be a list of IP addresses or CIDR ranges",
    "write them as 10.0.0.0/8,192.168.1.1",
  ),
  WEBHOOK_RATE: whole(1, 1_000_000),
  WEBHOOK_BURST: whole(0, 10_000_000),
  HISTORY: oneOf("mirror", "keep", "block"),
  KEEP_HISTORY: duration(60_000, 3650 * DAY),
  KEEP_HISTORY_TIPS: whole(1, 1_000_000),
  RETIRE_AFTER: duration(1_000, 3650 * DAY),
  LFS: oneOf("yes"),
  WIKIS: oneOf("yes"),
  MIN_FREE_DISK: size,
  ANNOUNCE_HOOK: anyText({ remedy: "name an executable file (chmod +x), without arguments" }),
  ANNOUNCE_TIMEOUT: duration(1_000, DAY),
  ANNOUNCE_URLS: variable(parseUrls, "must be a list of http(s) URLs", {
    remedy: "separate them with commas; write a comma inside a URL as %2C, and a % inside a password as %25",
    // A URL may contain a password or a key.
    secret: true,
  }),
  ANNOUNCE_SECRET: textWhere(isSigningSecret, "must be whsec_ followed by 24 to 64 bytes in base64", {
    remedy: 'make one with: echo "whsec_$(openssl rand -base64 32)"',
    secret: true,
  }),
  ALERT_URL: textWhere(isPostUrl, "must be an http(s) URL", {
    remedy: "copy the address of an incoming webhook of Slack, Mattermost, Discord (with /slack) or your own",
    // The path of such an address is its password.
    secret: true,
  }),
  ALERT_DELAY: duration(0, DAY),
  ALERT_QUIET: variable(parseQuietTimes, "must be a list of times of day", {
    remedy: "write them as 22:00-07:00, in the time zone of the server (TZ)",
  }),
  CHECKOUTS: variable(parseCheckouts, describeWrongEntries, {
    remedy: `write them as acme/*,acme/site@release/1,acme/docs@refs/tags/v1?${SAMPLE}`,
  }),
  SUBMODULES_FROM: listOf(
    isRepositoryPattern,
    "must be a list of owner/name patterns",
    "write them as partner/*,!acme/secret-*",
  ),
  CHECKOUT_GRACE: duration(0, 7 * DAY),
  CHECKOUT_MAX_SUBMODULES: whole(0, 1_000_000),
  CHECKOUT_MAX_DEPTH: whole(0, 1_000),
  CHECKOUT_MAX_FILES: whole(1, 1_000_000_000),
  CHECKOUT_MAX_SIZE: variable(parseSize, "must be a size", {
    remedy: "write a whole number and its unit, such as 512MiB or 64GiB",
  }),
  CHECKOUT_TIMEOUT: duration(1_000, 7 * DAY),
  // config/load.ts checks that the file exists and can be run, as for the two variables below.
  PRE_PUBLISH_HOOK: absolutePath("write the path of a program, such as /etc/lockstep/pre-publish"),
  PRE_PUBLISH_TIMEOUT: duration(1_000, DAY),
  VERIFY_SIGNATURES: oneOf("off", "ssh", "openpgp"),
  ALLOWED_SIGNERS: absolutePath("write the path of an allowed-signers file; see ssh-keygen(1)"),
  GPG_HOME: absolutePath("write the path of a GnuPG home with the keyring"),
  GIT_BINARY: anyText({ remedy: "" }),
  GIT_STARTER: oneOf("yes", "no"),
  DIRECT_FETCH: oneOf("yes", "no"),
  SERVE_PORT: whole(1, 65_535),
  SERVE_HOST: host,
  // config/load.ts checks that both files can be read.
  SERVE_TLS_CERT: absolutePath(CERT_REMEDY),
  SERVE_TLS_KEY: absolutePath(CERT_REMEDY),
  SERVE_TLS: oneOf("proxy"),
  SERVE_CACHE: size,
  NODE_NAME: shortName(),
  NODE_URL: origin("https://node-1.internal:3000"),
  NODE_INSECURE: oneOf("yes"),
  NODE_WEIGHT: whole(1, 1_000),
  ROLE: oneOf("receiver"),
  CLUSTER: shortName(),
  CLUSTER_SECRET: sharedSecret(),
  REPLICAS: oneOf("1", "2", "all"),
  NODE_DEAD: duration(10_000, HOUR),
  NODE_TIMEOUT: duration(60_000, 7 * DAY),
  QUEUE_MAX: whole(100, 1_000_000),
  // What config/telemetry.ts does not understand of these is ignored, as OpenTelemetry's specification asks for.
  OTEL_EXPORTER_OTLP_ENDPOINT: anyText({ remedy: "", secret: true }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: anyText({ remedy: "", secret: true }),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: anyText({ remedy: "", secret: true }),
  OTEL_EXPORTER_OTLP_PROTOCOL: anyText({ remedy: "" }),
  OTEL_TRACES_EXPORTER: anyText({ remedy: "" }),
  OTEL_METRICS_EXPORTER: anyText({ remedy: "" }),
  OTEL_TRACES_SAMPLER: anyText({ remedy: "" }),
  OTEL_TRACES_SAMPLER_ARG: anyText({ remedy: "" }),
  OTEL_METRIC_EXPORT_INTERVAL: anyText({ remedy: "" }),
  OTEL_SDK_DISABLED: anyText({ remedy: "" }),
};

/** Every variable that Lockstep reads; .env.example says what each one means and its default. */
export const VARIABLES = z.object({ ...PROBOT, ...LOCKSTEP });
