import { expect, onTestFinished, test } from "vitest";
import { startLockstep } from "../../tools/lockstep.js";
import { startStandIn } from "../../tools/standin/index.js";
import { cli } from "../support/cli.js";
import { tempDir } from "../support/temp.js";

const API_TOKEN = "token-of-the-tests-0123456789";

test("tokens add, list and revoke, and the audit that names them", async () => {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  for (const name of ["app", "site"]) await standin.createRepository("acme", name);
  const lockstep = await startLockstep({ standin, dataDir: tempDir(), env: { API_TOKEN, INTERVAL: "off" } });
  onTestFinished(async () => void (await lockstep.kill9()));
  for (const name of ["app", "site"])
    await lockstep.waitForLog((line) => line.result === "cloned" && line.repository === `acme/${name}`);
  const run = (...args: string[]) => cli({ API_TOKEN, LOCKSTEP_URL: lockstep.url }, ...args);

  const scopes = ["--scope", "read,operate", "--repositories", "acme/app", "--expires", "1h"];
  const made = await run("tokens", "add", "ci", ...scopes);
  // The secret alone is on standard output, for `> file`.
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^lockstep_[\w-]{43}\n$/) });
  expect(made.err).toMatch(/^ci is valid until \d{4}-\d\d-\d\d; the token is not shown again\n$/);
  const secret = made.out.trim();
  const ci = (...args: string[]) => cli({ API_TOKEN: secret, LOCKSTEP_URL: lockstep.url }, ...args);

  expect(JSON.parse((await ci("--json", "list")).out)).toMatchObject([{ name: "app" }]);
  expect(await ci("pause", "acme/app")).toMatchObject({ code: 0 });
  expect(await ci("pause", "acme/site")).toMatchObject({
    code: 1,
    err: expect.stringContaining("not managed"),
  });
  expect(await ci("status")).toMatchObject({
    code: 1,
    err: expect.stringContaining("without --repositories"),
  });
  expect(await ci("tokens", "add", "more", "--scope", "read")).toMatchObject({
    code: 1,
    err: expect.stringContaining("API_TOKEN alone"),
  });
  expect((await run("tokens", "list")).out).toMatch(
    /^NAME +SCOPES +REPOSITORIES +UNTIL +USED\nci +read,operate +acme\/app +\d{4}-\d\d-\d\d +\d+s\n$/,
  );
  expect(await run("tokens", "add", "ci", "--scope", "read")).toMatchObject({ code: 1 });
  expect(await run("tokens", "add", "x", "--scope", "admin")).toMatchObject({ code: 2 });
  expect(await run("tokens", "add", "x", "--scope", "read", "--expires", "soon")).toMatchObject({ code: 2 });
  expect(await run("tokens", "revoke", "ci")).toMatchObject({ code: 0, out: "ci revoked\n" });
  expect(await run("tokens", "revoke", "ci")).toMatchObject({
    code: 1,
    err: expect.stringContaining("`lockstep tokens list`"),
  });
  // Mirrors are not served here.
  expect(await run("tokens", "add", "reader", "--scope", "git")).toMatchObject({
    code: 0,
    err: expect.stringContaining("set SERVE_PORT and READERS=token"),
  });
  expect(await run("nodes", "list")).toMatchObject({
    code: 1,
    err: expect.stringContaining("not one of several nodes"),
  });
  expect(await ci("list")).toMatchObject({ code: 1 });

  const audit = (await run("audit")).out;
  expect(audit).toMatch(/^AGO +TOKEN +BY +ACTION +OF +STATUS +DETAILS\n/);
  expect(audit).toMatch(/API_TOKEN +api +tokens revoke +token ci +200\n/);
  expect(audit).toMatch(/ci +api +pause +acme\/site +404\n/);
  expect(audit).toMatch(/ci +api +pause +acme\/app +200\n/);
  expect(audit).toMatch(/API_TOKEN +api +tokens add +token +201 +ci read,operate acme\/app\n$/);
  expect(audit + JSON.stringify(lockstep.log)).not.toContain(secret);
});
