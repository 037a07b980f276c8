import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkoutsOf, published } from "../support/published.js";
import { gitmodules, library, shownFiles } from "../support/submodules.js";

const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
const V1 = "https://git-lfs.github.com/spec/v1";

async function withLfs(env: Record<string, string> = {}) {
  const setup = await published({ CHECKOUTS: "acme/app?lfs=yes", CHECKOUT_GRACE: "0s", ...env });
  const shown = async () => (await checkoutsOf(setup.world, setup.repo))[0];
  const reported = () => setup.world.log.filter(({ event }) => event === "lfs_pointer_unreadable");
  return { ...setup, shown, reported, lfs: setup.standin.lfs };
}

test("every pointer that git-lfs reads becomes its file", async () => {
  const { link, push, shown, reported, lfs } = await withLfs();
  const empty = lfs.put("").replace(/sha256:\w+/, `sha256:${"12".repeat(32)}`);
  await push({
    ".gitattributes": ATTRIBUTES,
    "crlf.bin": lfs.put("crlf").replaceAll("\n", "\r\n"),
    "cut.bin": lfs.put("cut").trimEnd(),
    "alpha.bin": lfs.put("alpha").replace(V1, "http://git-media.io/v/2"),
    "hawser.bin": lfs.put("hawser").replace(V1, "https://hawser.github.com/spec/v1"),
    "spaced.bin": `\n\n${lfs.put("spaced")}${" \n".repeat(300)}`,
    "empty.bin": empty,
  });
  expect(shownFiles(link())).toMatchObject({
    "crlf.bin": "crlf",
    "cut.bin": "cut",
    "alpha.bin": "alpha",
    "hawser.bin": "hawser",
    "spaced.bin": "spaced",
    "empty.bin": "",
  });
  expect(lfs.asked).toHaveLength(5);
  expect(reported()).toEqual([]);
  expect((await shown()).notes).toEqual([]);
});

test("a file that looks like a pointer and cannot be read is published as it is, and reported once", async () => {
  const { link, push, shown, reported, lfs, standin } = await withLfs({
    CHECKOUTS: "acme/app?submodules=yes&lfs=yes",
  });
  const conflict = `<<<<<<< HEAD\n${lfs.put("a")}=======\n${lfs.put("b")}>>>>>>> b\n`;
  const extended = lfs.put("c").replace("oid", `ext-0-case sha256:${"12".repeat(32)}\noid`);
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({ ".gitattributes": ATTRIBUTES, "\u00e9.bin": extended });
  await push({
    ".gitattributes": ATTRIBUTES,
    ".gitmodules": gitmodules({ lib: "../lib" }),
    lib: { gitlink: commit },
    "d/a.bin": conflict,
    "plain.bin": Buffer.from([0xff, 0xfe, 10, 0]).toString("latin1"),
    "good.bin": lfs.put("good"),
  });
  expect(shownFiles(link())).toMatchObject({ "d/a.bin": conflict, "good.bin": "good" });
  expect(readFileSync(join(link(), "lib/\u00e9.bin"), "utf8")).toBe(extended);
  const notes = [
    expect.stringMatching(/^d\/a\.bin is published as a pointer .*has <<<<<<< where version belongs/),
    expect.stringMatching(/^lib\/\u00e9\.bin is published as a pointer .*needs the extension case/),
  ];
  expect((await shown()).notes).toEqual(notes);
  expect(reported()).toEqual([expect.objectContaining({ level: "warn", repository: "acme/app", notes })]);

  await push({ other: "1" });
  expect((await shown()).notes).toEqual(notes);
  expect(reported()).toHaveLength(1);
  await push({ "d/a.bin": lfs.put("a"), lib: null, ".gitmodules": null });
  expect(shownFiles(link())["d/a.bin"]).toBe("a");
  expect((await shown()).notes).toEqual([]);

  await push(Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${n}.bin`, conflict])));
  expect((await shown()).notes).toHaveLength(11);
  expect((await shown()).notes[10]).toBe("20 further files are published as pointers, too");
});
