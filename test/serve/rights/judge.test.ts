import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import type { Way } from "../../../src/serve/rights.js";
import { rightsWorld, withToken } from "../../support/rights.js";

const NOT_FOUND = { kind: "no", status: 404, retryAfter: null };
const UNAUTHORIZED = { kind: "no", status: 401, retryAfter: null };
const OURS = "lockstep_0123456789";
const WAYS: Way[] = ["github", "oidc", "token", "public"];

/** A repository for each way, and everything that could open one of them. */
async function open(readers: Way[]) {
  const world = rightsWorld({ readers });
  world.add("acme/app", 1, { readers: ["ghs_a"] });
  world.add("acme/open", 2, { isPrivate: false });
  world.addToken(OURS);
  const credentials: Record<Exclude<Way, "public">, string> = {
    github: withToken("ghs_a"),
    oidc: `Bearer ${await world.actions(1)}`,
    token: withToken(OURS),
  };
  return { world, credentials };
}

test("without READERS nobody reads anything, and nobody is asked", async () => {
  const { world, credentials } = await open([]);
  for (const authorization of [null, ...Object.values(credentials)])
    expect(await world.ask("acme/open", authorization)).toEqual(NOT_FOUND);
  expect([world.log.asked, world.log.confirmed, world.issuer.documents]).toEqual([[], [], 0]);
});

test.each(WAYS)("with %s alone, that way opens and no other does", async (way) => {
  const { world, credentials } = await open([way]);
  for (const [kind, authorization] of Object.entries(credentials)) {
    const answer = await world.ask("acme/app", authorization);
    if (kind === way) expect(answer).toMatchObject({ kind: "yes", repositoryId: 1, way });
    else expect(answer, kind).toEqual(UNAUTHORIZED);
  }
  const anyone = await world.ask("acme/open");
  if (way === "public") expect(anyone).toMatchObject({ kind: "yes", repositoryId: 2, way });
  else expect(anyone).toEqual(UNAUTHORIZED);
});

test("no credential is tried at a second judge", async () => {
  const world = rightsWorld();
  world.add("acme/open", 2, { isPrivate: false });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const forged = await world.actions(2, {}, privateKey);
  for (const credential of [withToken(OURS), withToken("lockstep_"), `Bearer ${forged}`])
    expect(await world.ask("acme/open", credential)).toEqual(UNAUTHORIZED);
  // Anyone could read it, and GitHub would say so to any token it knows: nobody asked.
  expect(world.log.asked).toEqual([]);
  expect(await world.ask("acme/open", withToken("ghs_unknown"))).toEqual(UNAUTHORIZED);
  expect(world.log.asked.every((line) => !line.endsWith("anyone"))).toBe(true);
});

test("no token of ours and none of the issuer's reaches GitHub", async () => {
  const { world, credentials } = await open(WAYS);
  await world.ask("acme/app", credentials.token);
  await world.ask("acme/app", credentials.oidc);
  await world.ask("acme/none", credentials.token);
  await world.ask("acme/none", credentials.oidc);
  expect(world.log.asked).toEqual([]);
});

test("where only public is open, what is not public is not found, whoever asks", async () => {
  const { world } = await open(["public"]);
  for (const name of ["acme/app", "acme/none"]) expect(await world.ask(name)).toEqual(NOT_FOUND);
  world.github.down = true;
  expect(await world.ask("acme/other")).toMatchObject({ status: 503 });
});

test("a public repository that Lockstep does not mirror is readable, and is nobody's mirror", async () => {
  const world = rightsWorld();
  world.add("acme/elsewhere", 9, { isPrivate: false, mirrored: false });
  expect(await world.ask("acme/elsewhere")).toEqual({
    kind: "yes",
    repositoryId: null,
    reader: "anyone",
    way: "public",
  });
});
