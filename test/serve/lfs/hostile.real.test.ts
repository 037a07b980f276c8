import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { type ReadingWorld, readingWorld } from "../../support/reading-world.js";

const LFS = "application/vnd.git-lfs+json";
const SECRET = "a secret of acme/app\n";
const OID = createHash("sha256").update(SECRET).digest("hex");
const SIZE = SECRET.length;

interface Answer {
  objects: {
    oid: string;
    actions?: { download: { href: string; header?: Record<string, string> } };
    error?: { code: number };
  }[];
}

async function start() {
  const serving = await readingWorld();
  serving.standin.lfs.put(SECRET, "acme/app");
  return serving;
}

function batch({ ask }: ReadingWorld, name: string, token: string | null, more: object = {}, type = LFS) {
  const objects = [{ oid: OID, size: SIZE }];
  return ask(`/${name}/info/lfs/objects/batch`, token, {
    method: "POST",
    headers: { "content-type": type, accept: LFS },
    body: JSON.stringify({ operation: "download", transfers: ["basic"], objects, ...more }),
  });
}

const first = async (answer: Response) => ((await answer.json()) as Answer).objects[0]!;

test("no header of the App's, and no address with a secret in a header, is passed on", async () => {
  const serving = await start();
  const token = await serving.ownToken("ci");
  const answer = await batch(serving, "acme/app.git", token);
  const text = await answer.clone().text();
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, LFS]);
  expect(text).not.toContain(serving.standin.lfs.ticket);
  const { href, header } = (await first(answer)).actions!.download;
  expect(header).toBe(undefined);
  expect(href.startsWith(`${serving.origin}/acme/app.git/info/lfs/objects/${OID}?`)).toBe(true);
  const got = await serving.ask(href, token);
  expect([got.status, got.headers.get("content-length"), await got.text()]).toEqual([
    200,
    String(SIZE),
    SECRET,
  ]);
});

test("a reader's own credentials are asked with, and get what GitHub says to them", async () => {
  const serving = await start();
  const { href, header } = (await first(await batch(serving, "acme/app", serving.githubToken(serving.app))))
    .actions!.download;
  expect([new URL(href).host, header]).toEqual([
    serving.standin.host,
    { "x-ticket": serving.standin.lfs.ticket },
  ]);
});

describe("an object is not found by its id", () => {
  test("by who may read another repository alone", async () => {
    const serving = await start();
    for (const token of [serving.githubToken(serving.other), await serving.ownToken("o", ["globex/*"])]) {
      expect((await first(await batch(serving, "globex/site", token))).error).toMatchObject({ code: 404 });
      expect((await batch(serving, "acme/app", token)).status).toBe(404);
    }
    expect((await first(await batch(serving, "acme/open", null))).error).toMatchObject({ code: 404 });
    const none = await batch(serving, "acme/app", null);
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="Lockstep"']);
  });

  test("with an address that somebody else was given, that is old, changed or guessed", async () => {
    const serving = await start();
    const token = await serving.ownToken("ci");
    const stranger = await serving.ownToken("o", ["globex/*"]);
    const { href } = (await first(await batch(serving, "acme/app", token))).actions!.download;
    const status = async (url: string, who: string | null) => (await serving.ask(url, who)).status;
    expect(await status(href, token)).toBe(200);
    expect([await status(href, stranger), await status(href, null)]).toEqual([404, 401]);
    expect(await status(href.replace("acme/app", "globex/site"), stranger)).toBe(404);
    expect(await status(href.replace("acme/app", "acme/open"), null)).toBe(404);
    expect(await status(href.replace(`size=${SIZE}`, "size=99"), token)).toBe(404);
    expect(await status(href.replace(/until=\d+/, "until=99999999"), token)).toBe(404);
    expect(await status(href.replace(OID, "0".repeat(64)), token)).toBe(404);
    expect(await status(href.replace(/\?.*/, ""), token)).toBe(404);
    expect(await status(`${href}&x=y`, token)).toBe(404);
  });

  test("after the token was revoked", async () => {
    const serving = await start();
    const token = await serving.ownToken("ci");
    const { href } = (await first(await batch(serving, "acme/app", token))).actions!.download;
    await serving.world.api("/api/v1/tokens/ci/revoke", { method: "POST" });
    expect((await serving.ask(href, token)).status).toBe(401);
    expect((await batch(serving, "acme/app", token)).status).toBe(401);
  });
});

test("what is no batch for downloads, and every question for locks, is refused in Git LFS's JSON", async () => {
  const serving = await start();
  const refused: [type: string, more: object, status: number][] = [
    [LFS, { operation: "upload" }, 403],
    [LFS, { operation: "delete" }, 400],
    [LFS, { transfers: ["tus"] }, 400],
    [LFS, { hash_algo: "sha512" }, 400],
    [LFS, { objects: [{ oid: "../../etc/passwd", size: 1 }] }, 400],
    [LFS, { objects: [{ oid: OID, size: -1 }] }, 400],
    [LFS, { objects: Array(1_001).fill({ oid: OID, size: 1 }) }, 400],
    [LFS, { x: "x".repeat(300_000) }, 413],
    ["text/plain", {}, 415],
  ];
  for (const [type, more, status] of refused) {
    const answer = await batch(serving, "acme/open", null, more, type);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, LFS]);
    expect(await answer.json()).toEqual({ message: expect.any(String) });
  }
  for (const path of ["locks", "locks/verify", "locks/1/unlock"]) {
    const answers = ["acme/app", "acme/none"].map(async (name) => {
      const answer = await serving.ask(`/${name}.git/info/lfs/${path}`, null, { method: "POST" });
      return [answer.status, answer.headers.get("content-type"), await answer.text()];
    });
    const [known, unknown] = await Promise.all(answers);
    expect(known).toEqual(unknown);
    expect(known!.slice(0, 2)).toEqual([403, LFS]);
  }
});

test("a redirect of the store is not followed, and a content of another length is never whole", async () => {
  const serving = await start();
  const token = await serving.ownToken("ci");
  const { lfs } = serving.standin;
  const address = async () => (await first(await batch(serving, "acme/app", token))).actions!.download.href;
  lfs.rewrite = (href) => href.replace("/lfs-store/", "/lfs-moved/");
  expect([404, 503]).toContain((await serving.ask(await address(), token)).status);
  lfs.rewrite = (href) => href;
  for (const wrong of ["short", `${SECRET} and more`]) {
    const href = await address();
    lfs.spoil(`sha256:${OID}`, wrong);
    await expect(serving.ask(href, token).then((got) => got.text())).rejects.toThrow();
  }
  lfs.spoil(`sha256:${OID}`, SECRET);
  expect(await (await serving.ask(await address(), token)).text()).toBe(SECRET);
});

test("while GitHub is down nobody gets an object, and everybody hears when to come again", async () => {
  const serving = await start();
  const token = await serving.ownToken("ci");
  await serving.ask("/acme/app/info/refs?service=git-upload-pack", token);
  await serving.standin.down();
  const answer = await batch(serving, "acme/app", token);
  expect([answer.status, answer.headers.get("retry-after") !== null]).toEqual([503, true]);
});

test("a body that breaks off holds nothing up", async () => {
  const serving = await start();
  const asking = request(`${serving.origin}/acme/open/info/lfs/objects/batch`, {
    method: "POST",
    headers: { "content-type": LFS, "content-length": "1000", expect: "100-continue" },
  });
  asking.on("error", () => {});
  asking.flushHeaders();
  await once(asking, "continue");
  asking.write("{");
  asking.destroy();
  expect((await batch(serving, "acme/open", null)).status).toBe(200);
});
