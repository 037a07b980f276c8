import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../../src/config/load.js";
import { VARIABLES } from "../../src/config/variables.js";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
const directory = mkdtempSync(join(tmpdir(), "lockstep-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

const load = (env: Record<string, string> = {}) => loadConfig({ APP_ID: "1", PRIVATE_KEY: pem, ...env });

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error("no fault was found");
}
const faultOf = (name: string, value: string) => {
  const faults = faultsOf({ APP_ID: "1", PRIVATE_KEY: pem, [name]: value });
  expect(faults).toHaveLength(1);
  return faults[0]!;
};

describe("defaults", () => {
  it("are those of the documentation", () => {
    const { repositories, refs, privateKey, searchPath: _, ...rest } = load();
    expect([refs("refs/heads/a/b"), refs("refs/pull/1/head")]).toEqual([true, false]);
    expect(privateKey).toBe(pem);
    expect(repositories("any/thing")).toBe(true);
    expect(rest).toEqual({
      appId: "1",
      webhookSecrets: [],
      webhookPaths: ["/api/github/webhooks", "/api/v1/webhooks/github"],
      apiToken: null,
      apiUrl: "https://api.github.com",
      gitUrl: "https://github.com",
      dataDir: resolve("data"),
      refspecs: ["refs/heads/*", "refs/tags/*"],
      concurrency: 4,
      intervalMs: 300_000,
      fullFetchIntervalMs: 86_400_000,
      deliveries: "webhook",
      customRefs: false,
      checkoutGraceMs: 60_000,
      checkouts: expect.any(Function),
      submodulesFrom: { allows: expect.any(Function), refuses: expect.any(Function) },
      treeBudget: {
        submodules: 1_000,
        depth: 10,
        files: 2_000_000,
        bytes: 64 * 2 ** 30,
        timeMs: 30 * 60_000,
      },
      prePublishHook: null,
      prePublishTimeoutMs: 60_000,
      signers: null,
      pullIntervalMs: 10_000,
      history: "keep",
      keepHistoryMs: 2_592_000_000,
      maxKeptTips: 25_000,
      retireAfterMs: 604_800_000,
      minFreeDisk: 2 ** 30,
      extraCertificates: null,
      readers: {
        ways: [],
        oidc: { issuer: "https://token.actions.githubusercontent.com", audience: null, owners: [] },
      },
      quietPeriodMs: 0,
      fetchTimeoutMs: 120_000,
      cloneTimeoutMs: 3_600_000,
      shutdownTimeoutMs: 10_000,
      staleAfterMs: 900_000,
      publicUrl: null,
      trustedProxies: [],
      webhookRate: 200,
      webhookBurst: 2_000,
      alerts: null,
      hasTraits: expect.any(Function),
      asksForProperties: false,
      keepsLfs: false,
      keepsWikis: false,
      telemetry: null,
      logForm: "text",
      announceHook: null,
      announceTimeoutMs: 60_000,
      announceUrls: [],
      announceSecret: null,
      serve: null,
      gitBinary: "git",
      gitStarter: true,
      directFetch: true,
      cluster: null,
      misspelt: [],
    });
  });

  it("stand for an empty value too", () => {
    const names = Object.keys(VARIABLES.shape).filter((name) => name !== "APP_ID" && name !== "PRIVATE_KEY");
    const { repositories: _, refs: _r, ...empty } = load(Object.fromEntries(names.map((name) => [name, ""])));
    const { repositories: __, refs: __r, ...unset } = load();
    expect(empty).toEqual(unset);
  });
});

describe("values", () => {
  it("follow from one another", () => {
    expect(load({ INTERVAL: "20m" }).staleAfterMs).toBe(3_600_000);
    expect(load({ INTERVAL: "10s" }).staleAfterMs).toBe(900_000);
    // Only full comparisons prove anything about custom refs.
    const custom = load({ REFSPECS: "refs/heads/*,refs/notes/*", FULL_FETCH_INTERVAL: "2h" });
    expect(custom).toMatchObject({ customRefs: true, staleAfterMs: 10_800_000 });
    expect(load({ INTERVAL: "off" })).toMatchObject({ intervalMs: null, staleAfterMs: 172_800_000 });
    expect(load({ INTERVAL: "off", STALE_AFTER: "1h" }).staleAfterMs).toBe(3_600_000);
  });

  it("name a GitHub Enterprise Server", () => {
    expect(load({ GHE_HOST: "github.example.com" })).toMatchObject({
      apiUrl: "https://github.example.com/api/v3",
      gitUrl: "https://github.example.com",
    });
    expect(load({ GHE_HOST: "127.0.0.1:8080", GHE_PROTOCOL: "http" }).gitUrl).toBe("http://127.0.0.1:8080");
  });

  it("hold the secrets in use, the current one first", () => {
    expect(load({ WEBHOOK_SECRET: "a", WEBHOOK_SECRET_PREVIOUS: "b" }).webhookSecrets).toEqual(["a", "b"]);
    expect(load({ WEBHOOK_SECRET: "a", WEBHOOK_SECRET_PREVIOUS: "a" }).webhookSecrets).toEqual(["a"]);
    expect(load({ WEBHOOK_SECRET: "", WEBHOOK_SECRET_PREVIOUS: "b" }).webhookSecrets).toEqual([]);
  });

  it("are lists, addresses and paths", () => {
    const config = load({
      REPOSITORIES: "acme/*, !acme/secret-*",
      REFSPECS: "refs/heads/*,refs/notes/*,refs/heads/*",
      TRUSTED_PROXIES: "10.0.0.0/8,::1,fd00::/8",
      PUBLIC_URL: "https://lockstep.example.com:8443/",
      WEBHOOK_PATH: "/api/v1/webhooks/github",
      DATA_DIR: "some/where",
    });
    expect(config).toMatchObject({
      refspecs: ["refs/heads/*", "refs/notes/*"],
      trustedProxies: ["10.0.0.0/8", "::1", "fd00::/8"],
      publicUrl: "https://lockstep.example.com:8443",
      webhookPaths: ["/api/v1/webhooks/github"],
      dataDir: resolve("some/where"),
    });
    expect(["acme/a", "acme/secret-b", "b/c"].map(config.repositories)).toEqual([true, false, false]);
  });

  it("cannot be changed", () => {
    const config = load({ WEBHOOK_SECRET: "a" });
    const arrays = Object.values(config).filter(Array.isArray);
    expect(arrays.length).toBeGreaterThan(0);
    expect([config, ...arrays].every(Object.isFrozen)).toBe(true);
  });
});

describe("the private key", () => {
  const path = join(directory, "key.pem");
  writeFileSync(path, pem);
  const base64 = Buffer.from(pem).toString("base64");
  const base64Path = join(directory, "key.base64");
  writeFileSync(base64Path, base64);

  it.each([
    ["as text", { PRIVATE_KEY: pem }],
    ["with \\n for line breaks", { PRIVATE_KEY: pem.replaceAll("\n", "\\n") }],
    ["in base64", { PRIVATE_KEY: Buffer.from(pem).toString("base64") }],
    ["from a file", { PRIVATE_KEY_PATH: path }],
    ["with CRLF", { PRIVATE_KEY: pem.replaceAll("\n", "\r\n") }],
    ["with \\r\\n for line breaks", { PRIVATE_KEY: pem.replaceAll("\n", "\\r\\n") }],
    ["within quotes", { PRIVATE_KEY: `"${pem.trim()}"` }],
    ["within quotes and with \\n", { PRIVATE_KEY: `'${pem.replaceAll("\n", "\\n")}'` }],
    ["on one line, with spaces", { PRIVATE_KEY: pem.replaceAll("\n", " ") }],
    ["indented, as in YAML", { PRIVATE_KEY: pem.replaceAll(/^/gm, "  ") }],
    ["with a mark of the byte order", { PRIVATE_KEY: `\ufeff${pem}` }],
    ["in base64 of several lines", { PRIVATE_KEY: base64.replaceAll(/.{76}/g, "$&\n") }],
    ["in base64 with a line end", { PRIVATE_KEY: `${base64}\r\n` }],
    ["in base64 within quotes", { PRIVATE_KEY: `"${base64}"` }],
    ["from a file in base64", { PRIVATE_KEY_PATH: base64Path }],
  ])("is read %s", (_, env) =>
    expect(loadConfig({ APP_ID: "1", ...env }).privateKey.trim()).toBe(pem.trim()),
  );

  it("has to be there and has to be a key", () => {
    const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    writeFileSync(join(directory, "ec.pem"), elliptic.export({ type: "pkcs8", format: "pem" }));
    const of = (env: Record<string, string>) => faultsOf({ APP_ID: "1", ...env });
    expect(of({})).toEqual([expect.stringMatching(/^PRIVATE_KEY: is missing → /)]);
    expect(of({ PRIVATE_KEY: "junk" })).toEqual([
      expect.stringMatching(/^PRIVATE_KEY: is not a readable PEM key → /),
    ]);
    expect(of({ PRIVATE_KEY: "/etc/lockstep/key.pem" })[0]).toMatch(/is a path: use PRIVATE_KEY_PATH/);
    expect(of({ PRIVATE_KEY: pem.split("\n")[0]! })[0]).toMatch(/only a part of the key arrived/);
    expect(of({ PRIVATE_KEY: pem.replace("BEGIN RSA", "BEGIN ENCRYPTED") })[0]).toMatch(/passphrase/);
    expect(of({ PRIVATE_KEY_PATH: join(directory, "none.pem") })).toEqual([
      expect.stringMatching(/^PRIVATE_KEY_PATH: is not the path of a readable PEM key, got ".*none\.pem" → /),
    ]);
    expect(of({ PRIVATE_KEY_PATH: join(directory, "ec.pem") })).toEqual([
      expect.stringMatching(/^PRIVATE_KEY_PATH: is not an RSA key/),
    ]);
  });
});

describe("faults", () => {
  const WRONG: Record<string, string> = {
    APP_ID: "lockstep",
    PRIVATE_KEY: "-----BEGIN SECRET1-----",
    WEBHOOK_PATH: "hooks",
    WEBHOOK_PROXY_URL: "smee",
    PORT: "http",
    HOST: "http://x",
    LOG_LEVEL: "loud",
    LOG_FORMAT: "xml",
    GHE_HOST: "https://github.example.com",
    GHE_PROTOCOL: "ftp",
    REDIS_URL: "http://:SECRET2@cache",
    API_TOKEN: "SECRET3",
    REPOSITORIES: "acme",
    REFSPECS: "refs/heads/*:refs/heads/*",
    CONCURRENCY: "0",
    INTERVAL: "300",
    FULL_FETCH_INTERVAL: "daily",
    QUIET_PERIOD: "-1s",
    FETCH_TIMEOUT: "2",
    CLONE_TIMEOUT: "1 h",
    SHUTDOWN_TIMEOUT: "x",
    STALE_AFTER: "15",
    PUBLIC_URL: "https://user:SECRET4@lockstep.example.com/path",
    TRUSTED_PROXIES: "10.0.0.0/33",
    WEBHOOK_RATE: "many",
    WEBHOOK_BURST: "1e3",
    ANNOUNCE_HOOK: "/dev/null",
    ANNOUNCE_TIMEOUT: "0s",
    ANNOUNCE_URLS: "https://user:SECRET5@ci.example.com,ftp://ci.example.com",
    ANNOUNCE_SECRET: "whsec_SECRET6",
  };

  it("come all at once, each with its remedy, and show no secret", () => {
    const faults = faultsOf(WRONG);
    expect(faults.map((fault) => fault.split(":")[0]).sort()).toEqual(Object.keys(WRONG).sort());
    for (const fault of faults) expect(fault).toMatch(/^[A-Z_]+: .+ → .+/);
    expect(faults).toContain(
      'CONCURRENCY: must be a whole number from 1 to 64, got "0" → write digits only, or leave it out for the default',
    );
    const { message } = new ConfigError(faults);
    expect(message).not.toMatch(/SECRET\d/);
    for (const fault of faults) expect(message).toContain(fault);
  });

  it("name what is missing", () => {
    expect(faultsOf({}).map((fault) => fault.split(" →")[0])).toEqual([
      "APP_ID: is missing",
      "PRIVATE_KEY: is missing",
    ]);
  });

  it.each([
    ["INTERVAL", "9s", /from 10s to 1d/],
    ["INTERVAL", "25h", /off or a duration/],
    ["INTERVAL", "300", /30s, 5m or 24h/],
    ["CONCURRENCY", "65", /from 1 to 64/],
    ["CONCURRENCY", "4.5", /whole number/],
    ["PORT", "0", /from 1 to 65535/],
    ["API_TOKEN", "fifteen letters", /16 characters/],
    ["API_TOKEN", "sixteen and a space", /no spaces/],
    ["PUBLIC_URL", "ftp://example.com", /http\(s\)/],
    ["DELIVERIES", "push", /webhook, pull/],
    ["HISTORY", "forget", /mirror, keep, block/],
    ["MIN_FREE_DISK", "10GB", /GiB/],
    ["PUBLIC_URL", "https://example.com/?a=b", /without path/],
    ["REFSPECS", "refs/lockstep/*", /outside refs\/lockstep\//],
    ["REFSPECS", ",", /must be a list/],
    ["CHECKOUTS", "acme/*,acme/app@a..b", /^CHECKOUTS: the entry "acme\/app@a\.\.b" has no valid ref, got /],
    ["ANNOUNCE_HOOK", "/bin", /not an executable file/],
    ["ANNOUNCE_URLS", "https://ci.example.com", /^ANNOUNCE_SECRET: is missing → make one with/],
    ["ANNOUNCE_SECRET", `whsec_${btoa("x".repeat(23))}`, /24 to 64/],
    ["TRUSTED_PROXIES", "proxy.local", /IP addresses/],
    ["TRUSTED_PROXIES", "::1/129", /CIDR/],
  ])("%s=%s", (name, value, expected) => expect(faultOf(name, value)).toMatch(expected));

  it.each(["https://user:SECRET%@host/", "https://SEC%RET:x@host/", "https://user:SECRET%ff@host/"])(
    "of an ANNOUNCE_URLS that cannot be read come with all others: %s",
    (url) => {
      const faults = faultsOf({ ...WRONG, ANNOUNCE_URLS: `https://ci.example.com,${url}` });
      expect(faults).toHaveLength(Object.keys(WRONG).length);
      const reported = faults.filter((fault) => fault.startsWith("ANNOUNCE_URLS"));
      expect(reported).toEqual([expect.stringMatching(/ → .* a % inside a password as %25$/)]);
      expect(reported[0]).not.toMatch(/SEC/);
      expect(faultOf("ANNOUNCE_URLS", url.replaceAll("%", "%25"))).toMatch(/^ANNOUNCE_SECRET: is missing/);
    },
  );

  const SECRETS = ["WEBHOOK_SECRET", "WEBHOOK_SECRET_PREVIOUS", "API_TOKEN", "ANNOUNCE_SECRET", "REDIS_URL"];
  const RIGHT = `whsec_${Buffer.alloc(32, "k").toString("base64")}`;
  it.each(SECRETS)("of %s say what was pasted with it, and never the secret", (name) => {
    const secret = name === "REDIS_URL" ? "redis://:hidden@cache:6379" : RIGHT;
    const given = { [name]: secret };
    expect(() => load(given)).not.toThrow();
    const faults = [
      `${secret}\n`,
      `${secret}\r\n`,
      `${secret}\\n`,
      ` ${secret}`,
      `"${secret}"`,
      `'${secret}'`,
    ].map((value) => faultOf(name, value));
    expect(faults.map((fault) => /: (.*?) → ./.exec(fault)?.[1])).toEqual([
      "ends with a line end",
      "ends with a line end",
      "ends with \\n",
      "begins or ends with white space",
      "has quotes around it",
      "has quotes around it",
    ]);
    expect(faults.join()).not.toContain(secret);
  });

  it("of two variables together are reported, too", () => {
    const both = { HISTORY: "block", CHECKOUTS: "acme/*,acme/huge?depth=1" };
    const faults = faultsOf({ APP_ID: "1", PRIVATE_KEY: pem, ...both });
    expect(faults).toEqual([expect.stringMatching(/^HISTORY: cannot be set to block .* → remove the depth/)]);
  });

  it("of any value are a ConfigError or none, and never show a secret", () => {
    const secret = fc.string({ minLength: 8, unit: "binary-ascii" }).map((text) => `${text}§`);
    fc.assert(
      fc.property(
        fc.constantFrom("API_TOKEN", "REDIS_URL", "PRIVATE_KEY", "WEBHOOK_SECRET"),
        secret,
        (name, value) => {
          try {
            load({ [name]: value });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            expect(String(error)).not.toContain(value);
          }
        },
      ),
    );
  });
});
