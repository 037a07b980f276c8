import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createAccessTokens, MAX_TOKENS, TOKEN_TABLES, type WantedToken } from "../../src/access/tokens.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const DAY = 86_400_000;

function open(dir = tempDir()) {
  const clock = { now: 1_000_000, ahead: 0 };
  const store = openStore(dir, [TOKEN_TABLES]);
  onTestFinished(() => store.close());
  const tokens = createAccessTokens(store, {
    now: () => clock.now,
    latestNow: () => clock.now + clock.ahead,
  });
  const wanted = (more: Partial<WantedToken> = {}): WantedToken => ({
    name: "ci",
    scopes: ["git"],
    repositories: null,
    expiresAt: clock.now + DAY,
    ...more,
  });
  const add = (more?: Partial<WantedToken>) => {
    const made = tokens.add(wanted(more));
    if (typeof made === "string") throw new Error(made);
    return made;
  };
  return { dir, store, clock, tokens, wanted, add };
}

test("a token has 256 random bits and says whose it is, and only its hash is stored", () => {
  const { dir, tokens, add } = open();
  const { secret } = add();
  expect(secret).toMatch(/^lockstep_[\w-]{43}$/);
  expect(add({ name: "other" }).secret).not.toBe(secret);
  for (const file of ["lockstep.db", "lockstep.db-wal"]) {
    const stored = readFileSync(join(dir, file)).toString("latin1");
    expect(stored.includes(secret) || stored.includes(secret.slice("lockstep_".length))).toBe(false);
  }
  expect(JSON.stringify(tokens.all())).not.toContain(secret);
});

test("a token is found by its secret alone, whole and in the right case", () => {
  const { tokens, add } = open();
  const { secret } = add({ scopes: ["read", "git"] });
  expect(tokens.find(secret)).toMatchObject({ name: "ci", scopes: ["git", "read"], isOperator: false });
  const wrong = [`${secret}x`, secret.slice(0, -1), secret.toUpperCase(), secret.slice(9), "", "lockstep_"];
  for (const one of [...wrong, "ci", `${secret}\n`]) expect(tokens.find(one), one).toBeNull();
});

test("a token is refused from its expiry on, also by whoever found it before, and a clock that is set back changes nothing", () => {
  const { clock, tokens, add } = open();
  const { secret } = add();
  const caller = tokens.find(secret)!;
  clock.now += DAY - 1;
  expect([tokens.find(secret) !== null, caller.isValid()]).toEqual([true, true]);
  clock.now += 1;
  expect([tokens.find(secret), caller.isValid()]).toEqual([null, false]);
  clock.now -= DAY;
  clock.ahead = DAY;
  expect([tokens.find(secret), caller.isValid()]).toEqual([null, false]);
});

test("a revoked token is refused at once, and its name may be used again", () => {
  const { tokens, add } = open();
  const { secret } = add();
  const caller = tokens.find(secret)!;
  expect(tokens.revoke("CI")).toBe(true);
  expect(tokens.revoke("ci")).toBe(false);
  expect([tokens.find(secret), caller.isValid()]).toEqual([null, false]);
  expect(add().secret).not.toBe(secret);
  expect([tokens.find(secret), caller.isValid()]).toEqual([null, false]);
});

test("patterns say what a token sees, and a token without patterns sees everything", () => {
  const { tokens, add } = open();
  const some = tokens.find(add({ repositories: ["acme/*", "!acme/secret-*"] }).secret)!;
  const seen = ["acme/app", "ACME/App", "acme/.github", "acme/secret-x", "other/app", "acme", "acme/a/b"];
  expect(seen.map((name) => some.sees!(name))).toEqual([true, true, true, false, false, false, false]);
  expect(tokens.find(add({ name: "all" }).secret)!.sees).toBeNull();
});

test("names differ by more than case, and the number of tokens is bounded", () => {
  const { store, tokens, wanted, add } = open();
  add();
  expect(tokens.add(wanted({ name: "Ci" }))).toBe("taken");
  store.transaction(() => {
    for (let n = 1; n < MAX_TOKENS; n++) add({ name: `n${n}` });
  });
  expect(tokens.add(wanted({ name: "more" }))).toBe("too many");
  expect(tokens.all()).toHaveLength(MAX_TOKENS);
});

test("the last use is known to a minute, and is not written more often", () => {
  const { clock, tokens, add } = open();
  const { secret } = add();
  const used = () => tokens.all()[0]!.lastUsedAt;
  expect(used()).toBeNull();
  tokens.find(secret);
  const first = clock.now;
  expect(used()).toBe(first);
  clock.now += 59_999;
  tokens.find(secret);
  expect(used()).toBe(first);
  clock.now += 1;
  tokens.find(secret);
  expect(used()).toBe(first + 60_000);
});

test("tokens outlive the process", () => {
  const { dir, store, add } = open();
  const { secret } = add({ scopes: ["operate"], repositories: ["acme/app"] });
  store.close();
  const { tokens } = open(dir);
  expect(tokens.find(secret)).toMatchObject({ name: "ci", scopes: ["operate"] });
});
