import { readdirSync, readFileSync, statSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { type ReadingWorld, readingWorld } from "../support/reading-world.js";
import { basic, withToken } from "../support/rights.js";

const REFS = "info/refs?service=git-upload-pack";
const API_TOKEN = "token-of-the-tests-0123456789";

/** The operator's page, as a signed-in browser gets it. */
async function pages({ world }: ReadingWorld) {
  const body = new URLSearchParams({ token: API_TOKEN });
  const headers = { origin: world.url };
  const signed = await fetch(`${world.url}/sign-in`, { method: "POST", body, headers, redirect: "manual" });
  const cookie = (signed.headers.get("set-cookie") ?? "").split(";")[0]!;
  return async (path: string) => (await fetch(world.url + path, { headers: { cookie } })).text();
}

const metricsOf = async ({ world }: ReadingWorld) => (await world.api("/metrics")).text();

/** Everything that Lockstep has written below DATA_DIR. */
function filesOf(dir: string): string {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).map((name) => join(dir, name));
  const files = names.filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
  return files.map((file) => readFileSync(file, "latin1")).join("\n");
}

/** Sends a request with headers that fetch would not send. */
const send = (url: string, headers: Record<string, string>) =>
  new Promise<void>((resolve) => {
    get(url, { headers }, (answer) => answer.resume().once("end", resolve)).once("error", () => resolve());
  });

test("what readers read is seen in log, metrics, page and status, by reader, repository and source", async () => {
  const serving = await readingWorld();
  const { world, ask, ownToken } = serving;
  const token = await ownToken("ci");
  const want = `0012command=fetch\n00010032want ${world.tips(serving.app)["refs/heads/main"]}\n0009done\n0000`;
  const init = {
    method: "POST",
    body: want,
    headers: { "content-type": "application/x-git-upload-pack-request", "git-protocol": "version=2" },
  };
  for (const _ of [1, 2])
    expect(await (await ask("/acme/app/git-upload-pack", token, init)).text()).toContain("PACK");
  await ask("/globex/site/git-upload-pack", "lockstep_wrong", init);
  const packs = () => world.log.filter(({ event, act }) => event === "served" && act === "pack");
  await expect.poll(packs).toHaveLength(2);
  const [, second] = packs();
  expect(second).toMatchObject({
    repository: "acme/app",
    reader: "ci",
    way: "token",
    source: "mirror",
    isShared: true,
  });
  expect(second!.bytes).toBeGreaterThan(200);
  expect(await world.line(({ event }) => event === "reader_refused")).toMatchObject({
    repository: "globex/site",
  });
  const metrics = await metricsOf(serving);
  expect(metrics).toContain('lockstep_served_requests_total{way="token",source="mirror"} 2');
  expect(metrics).toContain('lockstep_served_shared_total{way="token",source="mirror"} 1');
  expect(metrics).toContain('lockstep_reader_rights_total{way="token",result="yes"} 2');
  expect(metrics).toContain('lockstep_reader_rights_total{way="token",result="unauthorized"} 1');
  const page = await pages(serving);
  for (const path of ["/readers", "/repos/acme/app"]) {
    const text = await page(path);
    expect(text).toMatch(/Readers/);
    expect(text).toMatch(/>ci</);
    expect(text).toMatch(/2 from the mirror/);
  }
  expect(await page("/repos/globex/site")).toMatch(/refused/);
  const { serving: said } = (await (await world.api("/api/v1/status")).json()) as { serving: object };
  expect(said).toEqual({ url: serving.origin, readers: ["github", "token", "public"] });
});

test("no credential is in log, metrics, page or any file, wherever in a request it stood", async () => {
  const serving = await readingWorld();
  const { world, origin, ask, ownToken, githubToken, app } = serving;
  const own = await ownToken("ci");
  const github = githubToken(app);
  const wrong = ["ghs_wrongWRONG0123456789", "lockstep_wrongWRONG0123456789", "github_pat_wrongWRONG012345"];
  const secrets = [own, github, ...wrong];
  for (const secret of secrets) {
    for (const authorization of [
      withToken(secret),
      basic(`${secret}:`),
      basic(`${secret}:x-oauth-basic`),
      `Bearer ${secret}`,
      `token ${secret}`,
      secret,
      `Basic ${secret}`,
      `Digest ${secret}`,
    ])
      for (const path of [`/acme/app/${REFS}`, `/api/v3/repos/acme/app`, `/acme/none/${REFS}`])
        await send(origin + path, { authorization });
    for (const path of [
      `/acme/app/${REFS}&access_token=${secret}`,
      `/acme/${secret}/${REFS}`,
      `/${secret}/app/${REFS}`,
      `/${secret}@acme/app/${REFS}`,
      `/api/v3/repos/acme/${secret}`,
      `/acme/app/info/lfs/objects/${"a".repeat(64)}?size=1&until=1&key=${secret}`,
      `/acme/app/info/lfs/locks/${secret}`,
      `/${secret}`,
    ])
      await send(origin + path, { authorization: withToken(own) });
    for (const name of [
      "cookie",
      "proxy-authorization",
      "user-agent",
      "git-protocol",
      "x-forwarded-for",
      "host",
    ])
      await send(`${origin}/acme/app/${REFS}`, { [name]: secret, authorization: withToken(own) });
    await ask("/acme/app/git-upload-pack", own, { method: "POST", body: secret });
    const type = { "content-type": "application/vnd.git-lfs+json" };
    await ask("/acme/app/info/lfs/objects/batch", own, {
      method: "POST",
      body: `{"${secret}":`,
      headers: type,
    });
  }
  serving.standin.lfs.put("content", "acme/app");
  const page = await pages(serving);
  const paths = ["/", "/readers", "/server", "/audit", "/repos/acme/app"];
  const places = {
    log: inspect(world.log, { depth: 12, maxStringLength: null, maxArrayLength: null }),
    metrics: await metricsOf(serving),
    page: (await Promise.all(paths.map(page))).join("\n"),
    files: filesOf(world.dataDir),
  };
  expect(places.page).toContain("Readers");
  for (const [place, text] of Object.entries(places))
    for (const secret of secrets) {
      expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
      const encoded = Buffer.from(`x-access-token:${secret}`).toString("base64");
      expect(text.includes(encoded), `${secret}, encoded, in ${place}`).toBe(false);
    }
});
