import fc from "fast-check";
import { expect, test } from "vitest";
import { type Credential, readCredential } from "../../../src/serve/rights/credential.js";

const ISSUER = "https://token.actions.githubusercontent.com";
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const jwt = (iss: unknown, alg = "RS256") => `${part({ alg })}.${part({ iss })}.c2ln`;
const kindOf = (authorization: string | null) => readCredential(authorization, ISSUER).kind;
const sentTo = (credential: Credential) =>
  credential.kind === "github"
    ? Buffer.from(credential.authorization.slice("Basic ".length), "base64").toString()
    : null;

test("the form of a credential decides who judges it", () => {
  const ours = `lockstep_${"a".repeat(43)}`;
  const forms: [string | null, Credential["kind"]][] = [
    [null, "none"],
    [basic(`x:${ours}`), "token"],
    [basic(`${ours}:`), "token"],
    [basic(`${ours}:x-oauth-basic`), "token"],
    [`Bearer ${ours}`, "token"],
    [`token ${ours}`, "token"],
    [basic(`x:${jwt(ISSUER)}`), "oidc"],
    [basic(`${jwt(ISSUER)}:`), "oidc"],
    [`Bearer ${jwt(ISSUER)}`, "oidc"],
    [`bearer ${jwt(`${ISSUER}/`, "none")}`, "oidc"],
    [basic(`x:${jwt("https://evil.example")}`), "github"],
    [basic("x-access-token:ghs_abc"), "github"],
    [basic("ghp_abc:"), "github"],
    ["AUTHORIZATION", "unusable"],
    ["Bearer", "unusable"],
    ["Digest a=b", "unusable"],
    [basic("no colon"), "unusable"],
    [basic("a:b\r\nx: y"), "unusable"],
    ["", "unusable"],
    [`Bearer ${"x".repeat(20_000)}`, "unusable"],
  ];
  for (const [authorization, kind] of forms) expect(kindOf(authorization), String(authorization)).toBe(kind);
});

test("GitHub gets user and password as they were judged, whatever form they came in", () => {
  const read = (authorization: string) => sentTo(readCredential(authorization, ISSUER));
  expect(read(basic("x-access-token:ghs_abc"))).toBe("x-access-token:ghs_abc");
  expect(read(`basic ${Buffer.from("a:b:c").toString("base64url")}`)).toBe("a:b:c");
  expect(read("Bearer ghs_abc")).toBe("x-access-token:ghs_abc");
  expect(read("token ghs_abc")).toBe("x-access-token:ghs_abc");
});

test("no token of ours goes to GitHub, however it is mistyped", () => {
  const secret = fc.string({ unit: fc.constantFrom("a", "Z", "_", "-", "9"), minLength: 1, maxLength: 50 });
  const noise = fc.string({ maxLength: 8 });
  const prefix = fc.constantFrom("lockstep_", "Lockstep_", "LOCKSTEP_");
  fc.assert(
    fc.property(prefix, secret, noise, noise, (start, text, before, after) => {
      const mistyped = `${before}${start}${text}${after}`;
      for (const header of [basic(`x:${mistyped}`), basic(`${mistyped}:`), `Bearer ${mistyped}`, mistyped])
        expect(kindOf(header)).not.toBe("github");
    }),
  );
});
