import { describe, expect, test } from "vitest";
import { DELIM, FLUSH, pktLine } from "../../src/serve/pktline.js";
import { plainGit } from "../support/git.js";
import { mirrorWithSecrets, post, serveMirror } from "../support/served.js";

const lines = (...texts: string[]) =>
  texts.map((it) => (it === FLUSH || it === DELIM ? it : pktLine(it))).join("");

interface Asked {
  wants: string[];
  /** shallow, deepen and filter lines. */
  limits?: string[];
  haves?: string[];
  /** Whether the reader ends its haves, and gets a pack. */
  isDone?: boolean;
}

/** Writes a request for a pack, in either protocol. */
function requestFor(version: number, { wants, limits = [], haves = [], isDone = true }: Asked): string {
  const last = [...haves.map((id) => `have ${id}`), ...(isDone ? ["done"] : [])];
  if (version === 2) {
    const wanted = wants.map((id) => `want ${id}`);
    return lines("command=fetch", DELIM, "ofs-delta", "no-progress", ...wanted, ...limits, ...last, FLUSH);
  }
  const options = " multi_ack_detailed side-band-64k ofs-delta no-progress filter";
  const first = wants.map((id, n) => `want ${id}${n === 0 ? options : ""}`);
  return lines(...first, ...limits, FLUSH, ...last, FLUSH);
}

const isPack = (text: string) => text.includes("PACK");

describe.each([0, 1, 2])("a reader who speaks version %i", (version) => {
  async function intruder() {
    const mirror = mirrorWithSecrets();
    const { url } = await serveMirror(mirror.dir);
    const ask = async (asked: Asked) => post(url, version, requestFor(version, asked));
    return { ...mirror, url, ask };
  }

  test("gets what is shown, and nothing hidden by its name, whatever it is", async () => {
    const { ask, main, old, annotated, hidden } = await intruder();
    for (const shown of [main, old, annotated])
      expect(isPack((await ask({ wants: [shown] })).text)).toBe(true);
    for (const id of [hidden.commit, hidden.parent, hidden.tag, hidden.tree, hidden.blob]) {
      for (const wants of [[id], [main, id]]) {
        const { status, text } = await ask({ wants });
        expect([status, isPack(text)]).toEqual([200, false]);
        expect(text).toContain(`not our ref ${id}`);
      }
    }
  });

  test("cannot tell a hidden object from one that does not exist", async () => {
    const { ask, hidden } = await intruder();
    const missing = "1".repeat(40);
    const answers = [hidden.blob, hidden.commit, missing].map(async (id) =>
      (await ask({ wants: [id] })).text.replaceAll(id, "<id>"),
    );
    expect(new Set(await Promise.all(answers)).size).toBe(1);
  });

  test("cannot read hidden history as the rest of a shallow one", async () => {
    const { ask, main, old, hidden } = await intruder();
    const deeper = (id: string) => ask({ wants: [main], limits: [`shallow ${id}`, "deepen 2147483647"] });
    const { text } = await deeper(hidden.commit);
    expect(isPack(text)).toBe(false);
    expect(text).not.toContain("unshallow");
    // The parent of this one is shown, so an honest reader may go on from there.
    expect(isPack((await deeper(hidden.parent)).text)).toBe(true);
    expect(isPack((await deeper(old)).text)).toBe(true);
  });

  test("learns nothing of hidden commits by claiming to have them", async () => {
    const { ask, main, old, hidden } = await intruder();
    const missing = "1".repeat(40);
    const answer = async (id: string) => (await ask({ wants: [main], haves: [id], isDone: false })).text;
    expect(await answer(old)).toContain(`ACK ${old}`);
    for (const id of [hidden.commit, hidden.tag, hidden.tree, hidden.blob])
      expect(await answer(id)).toBe(await answer(missing));
  });

  test("learns nothing of hidden names", async () => {
    const { ask, main, hidden } = await intruder();
    const short = hidden.ref.replace("refs/", "");
    const status = async (limit: string) => (await ask({ wants: [main], limits: [limit] })).status;
    for (const ref of [hidden.ref, short, "refs/lockstep/none"])
      expect(await status(`deepen-not ${ref}`)).toBe(400);
    expect(await status("deepen-not v1")).toBe(200);
    for (const spec of [`${hidden.ref}:gone/1`, hidden.blob, "main:main/1"])
      expect(await status(`filter sparse:oid=${spec}`)).toBe(400);
  });

  test("gets files and trees of what is shown", async () => {
    const { ask, dir, main } = await intruder();
    const ids = [`${main}:main/1`, `${main}^{tree}`, `${main}:main`].map((it) =>
      plainGit(dir, "rev-parse", it),
    );
    for (const id of ids) expect(isPack((await ask({ wants: [id] })).text)).toBe(true);
  });
});

describe("a reader who speaks version 2", () => {
  test("gets no command but ls-refs and fetch", async () => {
    const { dir, hidden } = mirrorWithSecrets();
    const { url } = await serveMirror(dir);
    const info = lines("command=object-info", DELIM, "size", `oid ${hidden.blob}`, FLUSH);
    expect(await post(url, 2, info)).toMatchObject({ status: 400 });
  });

  test("sees no hidden ref, whatever prefix it asks for", async () => {
    const { dir } = mirrorWithSecrets();
    const { url } = await serveMirror(dir);
    for (const prefix of ["refs/lockstep/", "refs/l", "", "refs/"]) {
      const { text } = await post(url, 2, lines("command=ls-refs", DELIM, `ref-prefix ${prefix}`, FLUSH));
      expect(text).not.toContain("lockstep");
    }
  });
});
