import { expect, test } from "vitest";
import { ConfigError } from "../../src/config/load.js";
import { ownerMatcher } from "../../src/config/readers.js";
import { configOf } from "../support/config.js";
import { tempDir } from "../support/temp.js";

const load = (env: Record<string, string> = {}) => configOf(tempDir(), env).readers;

function faultsOf(env: Record<string, string>): string {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join("\n");
    throw error;
  }
  throw new Error("no fault was found");
}

test("nobody reads anything unless READERS names a way, and ways are named in any order", () => {
  expect(load().ways).toEqual([]);
  expect(load({ READERS: "public, token,github" }).ways).toEqual(["github", "token", "public"]);
  for (const wrong of ["all", "github,gitlab", "GitHub", ","])
    expect(faultsOf({ READERS: wrong }), wrong).toContain("READERS: must be a list of ways");
});

test("oidc needs an audience, since a token for another server must not be good here", () => {
  expect(faultsOf({ READERS: "oidc" })).toContain("OIDC_AUDIENCE: is missing");
  const { oidc } = load({ READERS: "oidc", OIDC_AUDIENCE: "https://mirror.example.com" });
  expect(oidc).toMatchObject({
    audience: "https://mirror.example.com",
    issuer: "https://token.actions.githubusercontent.com",
  });
});

test("the issuer is that of the Enterprise Server, or the given one, and has TLS", () => {
  expect(load({ GHE_HOST: "github.example.com" }).oidc.issuer).toBe(
    "https://github.example.com/_services/token",
  );
  expect(load({ OIDC_ISSUER: "https://issuer.example.com/" }).oidc.issuer).toBe("https://issuer.example.com");
  expect(faultsOf({ OIDC_ISSUER: "http://issuer.example.com" })).toContain("OIDC_ISSUER");
});

test("rules on owners name an id and a pattern", () => {
  const allows = ownerMatcher(load({ OIDC_OWNERS: "9919=acme/*,12=acme/docs" }).oidc.owners);
  const asked = [
    ["9919", "acme/app"],
    ["9919", "ACME/App"],
    ["12", "acme/docs"],
    ["12", "acme/app"],
    ["991", "acme/app"],
    ["9919", "other/app"],
  ] as const;
  expect(asked.map(([id, name]) => allows(id, name))).toEqual([true, true, true, false, false, false]);
  for (const wrong of ["acme=acme/*", "9919=", "9919=!acme/x", "9919", "0=acme/*", "9919=acme"])
    expect(faultsOf({ OIDC_OWNERS: wrong }), wrong).toContain("OIDC_OWNERS");
});
