import { generateKeyPairSync } from "node:crypto";
import nock from "nock";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createGitHub } from "../../src/github/api.js";

export const API = "https://github.example.com/api/v3";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** The client of a GitHub whose answers nock gives. */
export const github = (options: { wikis?: boolean } = {}) =>
  createGitHub({
    ...options,
    appId: "1",
    privateKey,
    apiUrl: API,
    log: { debug() {}, warn() {} },
    fetch: globalThis.fetch,
  });

/** Lets nock answer for GitHub in every test of the file, and refuses any other request. */
export function withNock(): void {
  beforeAll(() => {
    if (!nock.isActive()) nock.activate();
  });
  // Other test files run in this process afterwards.
  afterAll(() => nock.restore());
  beforeEach(() => nock.disableNetConnect());
  afterEach(() => {
    nock.cleanAll();
    nock.enableNetConnect();
  });
}

/** A client of a GitHub that gives it tokens; `host` takes the other answers. */
export function withTokens(options: Parameters<typeof github>[0] = {}) {
  const host = nock(API);
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  host.post("/app/installations/7/access_tokens").reply(201, { token: "ghs_one", expires_at });
  return { host, api: github(options) };
}
