import { createHmac, generateKeyPairSync } from "node:crypto";
import { exportSPKI, type JWTPayload, UnsecuredJWT } from "jose";
import { expect, test } from "vitest";
import { AUDIENCE, ISSUER, rightsWorld, withToken } from "../../support/rights.js";

const NOT_FOUND = { kind: "no", status: 404, retryAfter: null };
const UNAUTHORIZED = { kind: "no", status: 401, retryAfter: null };

function start(owners: Record<string, string[]> = {}) {
  const world = rightsWorld({ owners });
  world.add("acme/app", 1);
  world.add("acme/lib", 2);
  const claims = () => {
    const now = Math.floor(world.issuer.now / 1_000);
    return {
      ...{ iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 300 },
      ...{ repository_id: "1", repository_owner_id: "99" },
    };
  };
  return { ...world, claims };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a workflow reads its own repository, without a call for each job", async () => {
  const world = start();
  const granted = { kind: "yes", repositoryId: 1, reader: "acme/app", way: "oidc" };
  for (let n = 0; n < 20; n++) {
    const token = await world.actions(1, { jti: String(n) });
    expect(await world.ask("acme/app", withToken(token))).toEqual(granted);
    expect(await world.ask("acme/app", `Bearer ${token}`)).toEqual(granted);
  }
  expect([world.log.asked.length, world.log.confirmed.length, world.issuer.documents]).toEqual([0, 1, 1]);
});

test("a workflow reads no other repository, whatever names its token claims, and cannot tell it from none", async () => {
  const world = start();
  const token = await world.actions(3, {
    ...{ repository: "acme/lib", repository_owner: "acme", sub: "repo:acme/lib:ref:refs/heads/main" },
  });
  for (const name of ["acme/lib", "acme/app", "acme/none"])
    expect(await world.ask(name, withToken(token)), name).toEqual(NOT_FOUND);
  expect(world.log.confirmed).toEqual([]);
});

test("others are read by a rule on the id of the workflow's owner, never on its name", async () => {
  const world = start({ "99": ["acme/lib"] });
  const lib = async (more: JWTPayload) => world.ask("acme/lib", withToken(await world.actions(3, more)));
  expect(await lib({})).toMatchObject({ kind: "yes", repositoryId: 2 });
  expect(await lib({ repository_owner_id: "98", repository_owner: "acme" })).toEqual(NOT_FOUND);
  expect(await world.ask("acme/app", withToken(await world.actions(3)))).toEqual(NOT_FOUND);
  expect(await world.ask("acme/none", withToken(await world.actions(3)))).toEqual(NOT_FOUND);
});

test("a repository that took the name of another does not read the mirror of the other", async () => {
  const world = start();
  // acme/app of the registry is 1; at GitHub 666 has the name, and its workflow has an honest token.
  world.github.repositories.set("acme/app", { id: 666, isPrivate: false, readers: new Set() });
  expect(await world.ask("acme/app", withToken(await world.actions(666)))).toEqual(NOT_FOUND);
  // And the workflow of 1 does not get its own mirror under a name that is not its own any more.
  expect(await world.ask("acme/app", withToken(await world.actions(1)))).toEqual(NOT_FOUND);
  expect(world.log.doubted).toEqual([1]);
});

test("expired, early, old and foreign tokens are wrong ones", async () => {
  const world = start();
  const now = Math.floor(world.issuer.now / 1_000);
  const bad: JWTPayload[] = [
    { exp: now - 31 },
    { nbf: now + 31 },
    { aud: "https://other.example.com" },
    { aud: `${AUDIENCE}/` },
    { aud: "" },
    { aud: [] },
  ];
  const missing = ["exp", "iat", "aud", "repository_id", "repository_owner_id"].map((name) => ({
    [name]: undefined,
  }));
  const odd = ["", "0", "01", "1e0", "-1", " 1", "1 ", "0x1", "9".repeat(16)].map((id) => ({
    repository_id: id,
  }));
  for (const claims of [...bad, ...(missing as JWTPayload[]), ...odd, { repository_id: 1 }]) {
    const token = await world.actions(1, claims);
    expect(await world.ask("acme/app", withToken(token)), JSON.stringify(claims)).toEqual(UNAUTHORIZED);
  }
  expect(await world.ask("acme/app", withToken(await world.actions(1, { exp: now - 29 })))).toMatchObject({
    kind: "yes",
  });
});

test("a token of another issuer is not OIDC's, and opens nothing", async () => {
  const world = start();
  const token = await world.actions(1, { iss: "https://evil.example" });
  expect(await world.ask("acme/app", withToken(token))).toEqual(UNAUTHORIZED);
  expect(world.issuer.documents).toBe(0);
});

test("forged tokens are wrong ones: another key, no signature, alg none, a secret in place of a key, a changed claim", async () => {
  const world = start();
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const honest = await world.actions(1);
  const [head = "", payload = "", signature = ""] = honest.split(".");
  const hmac = (key: string, header: object) => {
    const text = `${encode(header)}.${encode(world.claims())}`;
    return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  };
  const pem = await exportSPKI(world.keys.publicKey as never);
  const forged = [
    await world.actions(1, {}, other.privateKey),
    `${head}.${payload}.`,
    `${head}.${payload}.AAAA`,
    `${head}.${encode({ ...world.claims(), repository_id: "2" })}.${signature}`,
    new UnsecuredJWT(world.claims()).encode(),
    `${encode({ alg: "none" })}.${encode(world.claims())}.${signature}`,
    `${encode({ alg: "NONE", kid: "one" })}.${encode(world.claims())}.`,
    hmac(pem, { alg: "HS256", kid: "one" }),
    hmac("", { alg: "HS256" }),
    `${encode({ alg: "RS256", jwk: other.publicKey.export({ format: "jwk" }) })}.${payload}.${signature}`,
    `${encode({ alg: "RS256", kid: "one", crit: ["x"], x: 1 })}.${payload}.${signature}`,
  ];
  for (const token of forged)
    expect(await world.ask("acme/app", withToken(token)), token).toEqual(UNAUTHORIZED);
  expect(await world.ask("acme/app", withToken(honest))).toMatchObject({ kind: "yes" });
});

test("tokens with made-up key ids do not have the issuer asked again and again", async () => {
  const world = start();
  const forge = (kid: string) => `${encode({ alg: "RS256", kid })}.${encode(world.claims())}.c2ln`;
  for (let n = 0; n < 50; n++)
    expect(await world.ask("acme/app", withToken(forge(`kid-${n}`)))).toEqual(UNAUTHORIZED);
  expect(world.issuer.documents).toBe(1);
});

test("while the issuer's keys cannot be read nobody is refused for good", async () => {
  const world = start();
  world.issuer.down = true;
  expect(await world.ask("acme/app", withToken(await world.actions(1)))).toEqual({
    kind: "no",
    status: 503,
    retryAfter: 5,
  });
});

test("a workflow reads the wiki of its own repository", async () => {
  const world = start();
  world.add("acme/app.wiki", 1_000_000_000_001);
  world.add("acme/lib.wiki", 1_000_000_000_002);
  const own = withToken(await world.actions(1));
  expect(await world.ask("acme/app.wiki", own)).toMatchObject({ repositoryId: 1_000_000_000_001 });
  expect(await world.ask("acme/lib.wiki", own)).toEqual(NOT_FOUND);
});
