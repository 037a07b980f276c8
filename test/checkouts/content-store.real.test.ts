import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { published } from "../support/published.js";
import { untilState } from "../support/state.js";
import { gitmodules, library, shownFiles } from "../support/submodules.js";
import { World } from "../support/world.js";

const EXTENTS = ["", "&depth=1", "&filter=blob:none", "&depth=1&filter=blob:none"];
const isAtRest = ({ queued, running }: { queued: boolean; running: boolean }) => !queued && !running;

test.each(EXTENTS)(
  "a repository with a history and a submodule is published at the first start (%s)",
  async (extent) => {
    const world = await World.create({
      CHECKOUTS: `acme/app?submodules=yes${extent},acme/lib?paths=none${extent}`,
    });
    const { standin } = world;
    const lib = await library(standin, "acme", "lib");
    let gitlink = "";
    for (const a of ["1", "2", "3"]) gitlink = await lib.write({ a, [`dir/${a}`]: a });
    const app = await standin.createRepository("acme", "app");
    for (const n of ["1", "2", "3"]) await standin.commit(app, "main", { files: { n } });
    const modules = { ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink } };
    await standin.commit(app, "main", { files: modules as never });
    await world.start();
    await untilState(world, "acme/app", (it) => isAtRest(it) && it.checkouts?.length === 1);
    const link = join(world.dataDir, "checkouts", "acme", "app");
    expect(shownFiles(link)).toMatchObject({ n: "3", "lib/a": "3", "lib/dir/1": "1" });
    expect(world.log.filter(({ event }) => /^(?:refresh|publish)_failed$/.test(event))).toEqual([]);
  },
);

test.each(EXTENTS.slice(-1))(
  "a submodule's files are converted by its own attributes, whatever the mirror has or drops (%s)",
  async (extent) => {
    const CHECKOUTS = `acme/app?submodules=yes${extent}`;
    const { world, repo, standin, link, push } = await published({ CHECKOUTS, HISTORY: "mirror" });
    const attributes = { ".gitattributes": "*.txt eol=crlf\n" };
    const lib = await library(standin, "acme", "lib");
    const gitlink = await lib.write({ ...attributes, "a.txt": "a\n" });
    await push(attributes);
    await push({ ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink } });
    expect(shownFiles(link())["lib/a.txt"]).toBe("a\r\n");
    // Many changes make git repack the store while the mirror still has the commits.
    for (let n = 0; n < 24; n++) await push({ lib: { gitlink: await lib.write({ [`n${n}.txt`]: "n\n" }) } });
    await push({ ".gitattributes": "*.other eol=crlf\n", lib: { gitlink: await lib.write({ b: "b\n" }) } });
    // A full mirror's history still has the commits; a rebuilt mirror with limited depth does not.
    rmSync(join(world.mirror(repo), "HEAD"));
    await push({ again: "1" });
    expect(world.log.some(({ result }) => result === "cloned")).toBe(true);
    expect(shownFiles(link())).toMatchObject({ again: "1", "lib/a.txt": "a\r\n", "lib/n23.txt": "n\r\n" });
  },
);

test.each(EXTENTS)("a submodule with a full mirror here costs no request (%s)", async (extent) => {
  const { world, standin, link, push } = await published({ CHECKOUTS: `acme/app?submodules=yes${extent}` });
  const lib = await library(standin, "acme", "lib");
  let gitlink = "";
  for (const a of ["1", "2"]) gitlink = await lib.write({ a });
  world.sweep();
  await world.inStep(lib.repo);
  standin.gitRequests.length = 0;
  await push({ ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink } });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "2" });
  expect(standin.gitRequests.filter(({ path }) => path.includes("/lib.git/"))).toEqual([]);
});
