import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare, post } from "../support/history.js";
import { published } from "../support/published.js";
import { stateOf, untilState } from "../support/state.js";
import { gitmodules, library, shownFiles } from "../support/submodules.js";

const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

async function withLfs(env: Record<string, string> = {}) {
  const CHECKOUTS = "acme/app?lfs=yes";
  const setup = await published({ CHECKOUTS, REPOSITORIES: "acme/app", CHECKOUT_GRACE: "0s", ...env });
  const { world, repo, standin } = setup;
  const refuse = async (files: Parameters<typeof setup.push>[0]) => {
    await standin.commit(repo, "main", { files });
    return (await post(world, repo, "refresh?wait=30s")).body as { reason: string; message: string };
  };
  const base = join(world.dataDir, "repos", String(repo.id), "trees", "@");
  const inventory = () =>
    JSON.parse(readFileSync(join(base, "content.git", "lfs.json"), "utf8")) as {
      objects: Record<string, unknown>;
    };
  return { ...setup, refuse, base, inventory, lfs: standin.lfs };
}

test("without the option pointers stay pointers, and nothing is requested", async () => {
  const { standin, link, push } = await published();
  const pointer = standin.lfs.put("content");
  await push({ ".gitattributes": ATTRIBUTES, "a.bin": pointer });
  expect(shownFiles(link())["a.bin"]).toBe(pointer);
  expect(standin.lfs.asked).toEqual([]);
});

test("files replace their pointers, each is downloaded once, and no other file changes", async () => {
  const { link, push, lfs } = await withLfs();
  const big = randomBytes(3 * 1024 * 1024);
  const other = lfs.put("not LFS's by its attributes");
  await push({
    ".gitattributes": ATTRIBUTES,
    "a.bin": lfs.put("a\r\n"),
    "d/same.bin": lfs.put("a\r\n"),
    "d/big.bin": lfs.put(big),
    "d/plain.bin": "no pointer at all\n",
    "other.txt": other,
    'bin/caf\u00e9 "x".bin': lfs.put("odd name"),
  });
  expect(readFileSync(join(link(), "a.bin"), "utf8")).toBe("a\r\n");
  expect(readFileSync(join(link(), "d/same.bin"), "utf8")).toBe("a\r\n");
  expect(readFileSync(join(link(), "d/big.bin")).equals(big)).toBe(true);
  expect(readFileSync(join(link(), 'bin/caf\u00e9 "x".bin'), "utf8")).toBe("odd name");
  expect(shownFiles(link())).toMatchObject({ "d/plain.bin": "no pointer at all\n", "other.txt": other });
  expect(lfs.downloads.length).toBe(3);

  await push({ "b.bin": lfs.put("b"), "a.bin": null, "d/big.bin": "plain now" });
  expect(shownFiles(link())).toMatchObject({ "b.bin": "b", "d/same.bin": "a\r\n", "d/big.bin": "plain now" });
  expect(existsSync(join(link(), "a.bin"))).toBe(false);
  expect(lfs.downloads.length).toBe(4);
  // Attributes may add a file to LFS without any other change.
  await push({ ".gitattributes": `${ATTRIBUTES}other.txt filter=lfs -text\nd/same.bin -filter\n` });
  const shown = shownFiles(link());
  expect(shown["other.txt"]).toBe("not LFS's by its attributes");
  expect(shown["d/same.bin"]).toBe(lfs.put("a\r\n"));
});

test("a missing or wrong file keeps the old tree; the correct file is published", async () => {
  const { world, repo, link, push, refuse, lfs } = await withLfs();
  await push({ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("1") });
  const tree = realpathSync(link());
  const pointer = lfs.put("second");
  lfs.spoil(pointer, null);
  expect(await refuse({ "a.bin": pointer })).toMatchObject({ reason: "lfs_missing" });
  expect((await stateOf(world, "acme/app")).lastError.message).toMatch(/a\.bin.*Object does not exist/);
  for (const wrong of ["sec", "secon!", "second and more"]) {
    lfs.spoil(pointer, wrong);
    expect((await post(world, repo, "refresh?wait=30s")).body.reason).toBe("lfs_unsound");
  }
  expect(realpathSync(link())).toBe(tree);
  lfs.spoil(pointer, "second");
  await compare(world, repo);
  expect(shownFiles(link())["a.bin"]).toBe("second");
});

test("downloads use HTTPS or the server itself only; no token and no ticket is revealed", async () => {
  const { world, standin, refuse, lfs } = await withLfs();
  for (const href of ["file:///etc/passwd", "http://127.0.0.1:9/x", "gopher://x/"]) {
    lfs.rewrite = () => href;
    const body = await refuse({ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("1") });
    expect(body.reason).toBe("lfs_missing");
  }
  lfs.rewrite = (href) => `${href}x`;
  expect((await refuse({ b: "1" })).reason).toBe("lfs_missing");
  expect(lfs.downloads).toEqual([]);
  const shown = JSON.stringify([world.log, await stateOf(world, "acme/app")]);
  for (const secret of [lfs.ticket, ...standin.world.tokens]) expect(shown).not.toContain(secret);
});

test("the free disk is checked before a download", async () => {
  const { world, refuse, lfs } = await withLfs({ CHECKOUT_MAX_SIZE: "1000TiB" });
  const huge = lfs.put("1").replace("size 1", "size 900000000000000");
  const body = await refuse({
    ...{ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("small"), "d/b.bin": huge, "z.bin": lfs.put("too") },
  });
  expect(body.reason).toBe("disk_low");
  const { message } = (await stateOf(world, "acme/app")).lastError;
  expect(message).toMatch(
    /MiB are to be written, the most for the LFS file d\/b\.bin .* of 900000000000000 bytes/,
  );
  expect(lfs.asked).toEqual([]);
});

test("a repository's .lfsconfig is ignored, and only requested paths are downloaded", async () => {
  const { link, push, lfs } = await withLfs({ CHECKOUTS: "acme/app?paths=docs/a&lfs=yes" });
  await push({
    ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n\tfetchexclude = *\n",
    "docs/.gitattributes": ATTRIBUTES,
    "docs/a/x.bin": lfs.put("x"),
    "docs/b/y.bin": lfs.put("y"),
  });
  expect(shownFiles(link())).toEqual({ "docs/a/x.bin": "x" });
  await push({ "docs/a/z.bin": lfs.put("z"), "docs/b/z.bin": lfs.put("never") });
  expect(shownFiles(link())).toEqual({ "docs/a/x.bin": "x", "docs/a/z.bin": "z" });
  expect(lfs.downloads.length).toBe(2);
});

test("files of submodules come from the submodule's repository", async () => {
  const { standin, link, push, lfs } = await withLfs({ CHECKOUTS: "acme/app?submodules=yes&lfs=yes" });
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("in the submodule") });
  await push({ ".gitmodules": gitmodules({ lib: "../lib" }), lib: { gitlink: commit } });
  expect(shownFiles(link())["lib/a.bin"]).toBe("in the submodule");
});

test("an edited file is repaired without a download", async () => {
  const { world, link, push, lfs } = await withLfs();
  await push({ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("1") });
  writeFileSync(join(realpathSync(link()), "a.bin"), "edited");
  await untilState(
    world,
    "acme/app",
    () => shownFiles(link())["a.bin"] === "1",
    () => world.sweep(),
  );
  expect(lfs.downloads.length).toBe(1);
});

test("files that are no longer needed are dropped", async () => {
  const { link, push, lfs, inventory } = await withLfs();
  await push({ ".gitattributes": ATTRIBUTES });
  for (let n = 0; n < 6; n++) await push({ "a.bin": lfs.put(randomBytes(12 * 1024 * 1024)) });
  expect(Object.keys(inventory().objects).length).toBeLessThan(5);
  const last = lfs.put("small");
  await push({ "a.bin": last });
  expect(shownFiles(link())["a.bin"]).toBe("small");
});

test("attributes above the published paths apply as soon as they are pushed", async () => {
  const { link, push, lfs } = await withLfs({ CHECKOUTS: "acme/app?paths=docs&lfs=yes" });
  await push({ "docs/a.txt": "1" });
  await push({ ".gitattributes": ATTRIBUTES, "docs/a.bin": lfs.put("content") });
  expect(shownFiles(link())["docs/a.bin"]).toBe("content");
});

test("a remembered tree that was deleted costs no download", async () => {
  const { base, link, push, lfs } = await withLfs();
  await push({ ".gitattributes": ATTRIBUTES, "a.bin": lfs.put("a"), "b.bin": lfs.put("b") });
  const file = join(base, "content.git", "lfs.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/"tree":"[\da-f]{40}"/g, `"tree":"${"12".repeat(20)}"`));
  await push({ "c.txt": "1" });
  expect(shownFiles(link())).toMatchObject({ "a.bin": "a", "b.bin": "b", "c.txt": "1" });
  expect(lfs.downloads.length).toBe(2);
});
