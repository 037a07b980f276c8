import { expect, onTestFinished, test } from "vitest";
import { createReleasers } from "../../src/base/releasers.js";
import { createSignal } from "../../src/base/signal.js";
import { openGround } from "../../src/compose/ground.js";
import { createRecords } from "../../src/compose/records.js";
import { createReaderRights, NOWHERE } from "../../src/compose/rights.js";
import { loadConfig } from "../../src/config/load.js";
import { startStandIn } from "../../tools/standin/index.js";
import { NO_LOG } from "../support/config.js";
import { withToken } from "../support/rights.js";
import { tempDir } from "../support/temp.js";

/** What judges readers, before a GitHub with two private repositories and a public one; only the first is mirrored. */
async function start() {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const app = await standin.createRepository("acme", "app");
  const other = await standin.createRepository("globex", "site");
  await standin.createRepository("acme", "open", { private: false });
  const config = loadConfig({ ...standin.env(), DATA_DIR: tempDir(), READERS: "github,token,public" });
  const releasers = createReleasers();
  onTestFinished(() => releasers.release({ deadlineMs: 10_000 }));
  const ground = await openGround(config, NO_LOG, releasers);
  const records = createRecords(config, ground);
  const changed = createSignal<[number | null]>();
  const rights = createReaderRights(config, {
    ground,
    domain: { records, intake: { acceptance: { onAccessChanged: changed.on } } },
    elsewhere: NOWHERE,
  });
  const installationId = app.installation!.id;
  records.registry.note(app.id, installationId, { owner: "acme", name: "app" });
  const ask = (name: string, authorization: string | null) => {
    const [owner = "", repository = ""] = name.split("/");
    return rights.judge({ owner, name: repository, authorization, address: "192.0.2.1" });
  };
  const reader = async (id: number) => withToken(await ground.github.token(id));
  return {
    standin,
    app,
    records,
    changed,
    ask,
    acme: await reader(installationId),
    globex: await reader(other.installation!.id),
  };
}

test("readers get what GitHub itself says, in each of its answers", async () => {
  const { app, ask, acme, globex } = await start();
  expect(await ask("acme/app", acme)).toMatchObject({ kind: "yes", repositoryId: app.id, way: "github" });
  expect(await ask("acme/app", globex)).toMatchObject({ kind: "no", status: 404 });
  expect(await ask("globex/site", globex)).toMatchObject({ kind: "yes", repositoryId: null });
  expect(await ask("acme/none", acme)).toMatchObject({ kind: "no", status: 404 });
  expect(await ask("acme/app", null)).toMatchObject({ kind: "no", status: 401 });
  expect(await ask("acme/app", withToken("ghs_wrong"))).toMatchObject({ kind: "no", status: 401 });
  expect(await ask("acme/open", null)).toMatchObject({ kind: "yes", repositoryId: null, way: "public" });
});

test("after a rename the old name opens no mirror, and is reconciled", async () => {
  const { standin, app, records, changed, ask, acme } = await start();
  expect(await ask("acme/app", acme)).toMatchObject({ repositoryId: app.id });
  standin.renameRepository(app, "moved");
  await standin.createRepository("acme", "app", { private: false });
  changed.emit(app.id);
  for (const authorization of [acme, null])
    expect(await ask("acme/app", authorization)).toMatchObject({ kind: "yes", repositoryId: null });
  expect(records.registry.get(app.id)).toMatchObject({ doubted: true });
  expect(records.queue.has({ kind: "repository", id: app.id })).toBe(true);
});

test("one of Lockstep's own tokens opens the mirrors that its patterns name", async () => {
  const { app, records, ask } = await start();
  const made = records.accessTokens.add({
    ...{ name: "ci", scopes: ["git"], repositories: ["acme/*"] },
    expiresAt: Date.now() + 60_000,
  });
  if (typeof made === "string") throw new Error(made);
  const credential = withToken(made.secret);
  expect(await ask("acme/app", credential)).toMatchObject({
    kind: "yes",
    repositoryId: app.id,
    reader: "ci",
  });
  expect(await ask("globex/site", credential)).toMatchObject({ kind: "no", status: 404 });
  records.accessTokens.revoke("ci");
  expect(await ask("acme/app", credential)).toMatchObject({ kind: "no", status: 401 });
});
