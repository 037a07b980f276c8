import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Target } from "../../../src/git/transport/upstream.js";
import { createLfsPorts } from "../../../src/serve/lfs/create.js";
import { pktLine } from "../../../src/serve/pktline.js";
import type { Way } from "../../../src/serve/rights.js";
import { createSlots, type Slots } from "../../../src/serve/slots.js";
import { rightsWorld, withToken } from "../../support/rights.js";
import { mirrorWithSecrets, type ServedOptions, serveMirror } from "../../support/served.js";

const MINUTE = 60_000;
const OWN = "lockstep_own";
const LFS = "application/vnd.git-lfs+json";
const VERSIONS = [0, 1, 2];
/** Ways that have a credential. */
const WAYS = ["github", "oidc", "token"] as const;

/** Asks for one object and all that it needs, in either protocol. */
function wantOf(version: number, id: string): string {
  if (version === 2) return `${pktLine("command=fetch")}0001${pktLine(`want ${id}`)}${pktLine("done")}0000`;
  return `${pktLine(`want ${id} ofs-delta no-progress`)}0000${pktLine("done")}`;
}

interface Seen {
  status: number;
  source: string | null;
  text: string;
}

/**
 * acme/site (1) and globex/site (2) are private and mirrored, acme/open (3) is public and mirrored. Readers have credentials of each
 * form for acme/site alone. GitHub in the mirror's place answers with a word.
 */
async function serving(
  readers: readonly Way[] = ["github", "oidc", "token", "public"],
  options: Pick<ServedOptions, "slots"> = {},
) {
  const world = rightsWorld({ readers });
  world.add("acme/site", 1, { readers: ["ghs_a"] });
  world.add("globex/site", 2, { readers: ["ghs_b"] });
  world.add("acme/open", 3, { isPrivate: false });
  const own = world.addToken(OWN, { patterns: ["acme/site"] });
  const mirror = mirrorWithSecrets();
  /** Who was asked at GitHub in the mirror's place, and with which credentials. */
  const passed: { target: Target; authorization: string | null }[] = [];
  const lfsAsked: Target[] = [];
  const targetOf = (id: number) => ({ owner: "acme", name: `target-${id}`, installationId: 1 });
  const { url } = await serveMirror(mirror.dir, {
    ...options,
    rights: world.rights,
    pass: {
      async send(target, { authorization }) {
        passed.push({ target, authorization });
        return Readable.from([Buffer.from("0000")]);
      },
      targetOf,
      passing: createSlots({ running: 4, waiting: 100 }),
      herd: { answer: (_, produce) => shareNothing(produce), close() {} },
    },
    lfs: createLfsPorts(
      {
        async ask(target) {
          lfsAsked.push(target);
          return new Map();
        },
        open: async () => Readable.from([]),
      },
      { targetOf, timeoutMs: 1_000 },
    ),
  });
  const { origin } = new URL(url);

  const get = async (path: string, authorization: string | null, init: RequestInit = {}): Promise<Seen> => {
    const answer = await fetch(origin + path, {
      ...init,
      headers: { ...(authorization === null ? {} : { authorization }), ...init.headers },
    });
    const text = Buffer.from(await answer.arrayBuffer()).toString("latin1");
    return { status: answer.status, source: answer.headers.get("x-lockstep-source"), text };
  };
  const list = (version: number, name: string, who: string | null) =>
    get(`/${name}/info/refs?service=git-upload-pack`, who, {
      headers: { "git-protocol": `version=${version}` },
    });
  const pack = (version: number, name: string, who: string | null, id = mirror.main) =>
    get(`/${name}.git/git-upload-pack`, who, {
      method: "POST",
      body: wantOf(version, id),
      headers: {
        "content-type": "application/x-git-upload-pack-request",
        "git-protocol": `version=${version}`,
      },
    });
  const batch = (name: string, who: string | null) =>
    get(`/${name}/info/lfs/objects/batch`, who, {
      method: "POST",
      headers: { "content-type": LFS },
      body: JSON.stringify({ operation: "download", objects: [{ oid: "a".repeat(64), size: 1 }] }),
    });
  const branch = (name: string, who: string | null) => get(`/api/v3/repos/${name}`, who);
  /** Everything that somebody can ask of a name, without asking for anything else before. */
  const everything = (version: number, name: string, who: string | null) =>
    Promise.all([pack(version, name, who), list(version, name, who), batch(name, who), branch(name, who)]);

  const credentials = {
    github: withToken("ghs_a"),
    oidc: withToken(await world.actions(1)),
    token: withToken(OWN),
  };
  return { ...world, own, mirror, passed, lfsAsked, list, pack, batch, everything, credentials };
}

function shareNothing(produce: (signal: AbortSignal) => Promise<Readable>) {
  const stream = new Readable({ read() {} });
  void produce(new AbortController().signal).then(async (source) => {
    for await (const chunk of source) stream.push(chunk);
    stream.push(null);
  });
  return { stream, isShared: false };
}

/** Slots that nobody gets before the gate is opened. */
function openGate() {
  let open = () => {};
  let arrive = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const slots: Slots = {
    async take() {
      arrive();
      await opened;
      return () => {};
    },
  };
  return { open, reached, slots };
}

const statuses = (answers: Seen[]) => answers.map(({ status }) => status);
const isPack = ({ text }: Seen) => text.includes("PACK");

describe.each(VERSIONS)("who speaks version %i", (version) => {
  test("reads what its credential is for, and nothing of another name, with or without a GET before", async () => {
    const { pack, list, everything, credentials, mirror } = await serving();
    for (const way of WAYS) {
      const who = credentials[way];
      expect(statuses(await everything(version, "globex/site", who)), way).toEqual([404, 404, 404, 404]);
      const answer = await pack(version, "acme/site", who);
      expect([answer.status, answer.source, isPack(answer)], way).toEqual([200, "mirror", true]);
      // A name that may be read proves nothing about another one.
      expect(statuses(await everything(version, "globex/site", who)), way).toEqual([404, 404, 404, 404]);
      expect((await list(version, "acme/site", who)).status, way).toBe(200);
    }
    expect(isPack(await pack(version, "acme/open", null))).toBe(true);
    expect(statuses(await everything(version, "globex/site", null))).toEqual([401, 401, 401, 401]);
    expect((await list(version, "acme/open", null)).text.includes(mirror.main)).toBe(version !== 2);
  });

  test("gets nothing of an answer that another reader is given or was given", async () => {
    const gate = openGate();
    const { pack, credentials, github } = await serving(undefined, { slots: gate.slots });
    const good = pack(version, "acme/site", credentials.github);
    const bad = [withToken("ghs_b"), withToken("ghs_wrong"), null].map((who) =>
      pack(version, "acme/site", who),
    );
    // The answer is being made, and waits.
    await gate.reached;
    for (const answer of await Promise.all(bad)) {
      expect([401, 404]).toContain(answer.status);
      expect([isPack(answer), answer.source]).toEqual([false, null]);
    }
    gate.open();
    expect(isPack(await good)).toBe(true);
    expect(github.tokens.has("ghs_b")).toBe(true);
    expect((await pack(version, "acme/site", withToken("ghs_b"))).status).toBe(404);
    expect(isPack(await pack(version, "acme/site", credentials.token))).toBe(true);
  });

  test("cannot tell a forbidden name from one that does not exist: same answers, same questions to GitHub", async () => {
    const { everything, credentials, log } = await serving();
    const wholeOf = async (name: string, who: string | null) => {
      const [asked, confirmed] = [log.asked.length, log.confirmed.length];
      const answers = await everything(version, name, who);
      return {
        answers,
        asked: log.asked.length - asked,
        confirmed: log.confirmed.length - confirmed,
      };
    };
    for (const who of [...Object.values(credentials), null]) {
      const forbidden = await wholeOf("globex/site", who);
      expect(await wholeOf("globex/none", who)).toEqual(forbidden);
      expect(await wholeOf("nobody/none", who)).toEqual(forbidden);
      expect(forbidden.confirmed).toBe(0);
    }
  });

  test("reads a repository that turned private no more, once GitHub has reported it, or after five minutes", async () => {
    const { pack, list, everything, github, rights, clock } = await serving();
    const stranger = withToken("ghs_b");
    for (const who of [null, stranger]) expect(isPack(await pack(version, "acme/open", who))).toBe(true);
    github.repositories.get("acme/open")!.isPrivate = true;
    expect(isPack(await pack(version, "acme/open", null))).toBe(true);
    clock.ms += 5 * MINUTE;
    expect(statuses(await everything(version, "acme/open", null))).toEqual([401, 401, 401, 401]);
    expect(statuses(await everything(version, "acme/open", stranger))).toEqual([404, 404, 404, 404]);
    github.repositories.get("acme/open")!.isPrivate = false;
    clock.ms += MINUTE;
    expect((await list(version, "acme/open", null)).status).toBe(200);
    github.repositories.get("acme/open")!.isPrivate = true;
    rights.forget(3);
    expect(statuses(await everything(version, "acme/open", null))).toEqual([401, 401, 401, 401]);
  });

  test("does not open the private mirror whose name a public repository took", async () => {
    const { pack, list, github, rights, clock, passed, credentials } = await serving();
    for (const way of WAYS) expect(isPack(await pack(version, "acme/site", credentials[way]))).toBe(true);
    const moved = github.repositories.get("acme/site")!;
    github.repositories.set("acme/moved", moved);
    github.repositories.set("acme/site", { id: 9, isPrivate: false, readers: new Set() });
    rights.forget(1);
    clock.ms += 1_000;
    for (const who of [null, credentials.github, withToken("ghs_b")])
      for (const ask of [pack, list]) {
        const answer = await ask(version, "acme/site", who);
        // The advertisement of version 2 says nothing of a repository.
        expect([answer.status, answer.source, isPack(answer)]).toEqual([200, "github", false]);
      }
    for (const { target } of passed)
      expect(target).toEqual({ owner: "acme", name: "site", installationId: null });
    expect(passed.length).toBeGreaterThan(0);
    for (const way of ["oidc", "token"] as const)
      expect((await pack(version, "acme/site", credentials[way])).status, way).toBe(404);
  });

  test("reads no more with a credential that has ended", async () => {
    const { pack, list, github, clock, own, issuer, credentials } = await serving();
    for (const way of WAYS)
      expect(isPack(await pack(version, "acme/site", credentials[way])), way).toBe(true);
    own.valid = false;
    issuer.now += 10 * MINUTE;
    github.tokens.delete("ghs_a");
    for (const way of ["oidc", "token"] as const)
      expect(
        statuses([
          await pack(version, "acme/site", credentials[way]),
          await list(version, "acme/site", credentials[way]),
        ]),
        way,
      ).toEqual([401, 401]);
    clock.ms += 5 * MINUTE;
    expect((await pack(version, "acme/site", credentials.github)).status).toBe(401);
    expect((await list(version, "acme/site", credentials.github)).status).toBe(401);
  });

  test("gets nothing hidden by its name, by whichever way its right was proven", async () => {
    const { pack, credentials, mirror, passed } = await serving();
    const { hidden } = mirror;
    const readers: [string, string | null][] = [
      ...WAYS.map((way): [string, string] => ["acme/site", credentials[way]]),
      ["acme/open", null],
    ];
    for (const [name, who] of readers)
      for (const id of [hidden.commit, hidden.tag, hidden.tree, hidden.blob]) {
        const answer = await pack(version, name, who, id);
        expect([answer.status, isPack(answer)]).toEqual([200, false]);
        expect(answer.text).toContain(`not our ref ${id}`);
      }
    expect(passed).toEqual([]);
  });

  test("is not served by a way that is closed, nor at all without READERS", async () => {
    for (const readers of [[], ["public"], ["token"]] as Way[][]) {
      const { everything, credentials, log } = await serving(readers);
      for (const way of WAYS.filter((one) => !readers.includes(one))) {
        const seen = statuses(await everything(version, "acme/site", credentials[way]));
        expect(new Set(seen), `${way} of ${readers}`).toEqual(new Set([readers.length === 0 ? 404 : 401]));
      }
      expect(log.asked).toEqual([]);
    }
  });
});

test("objects of Git LFS are asked of GitHub for the repository alone that the reader may read", async () => {
  const { batch, credentials, lfsAsked } = await serving();
  for (const who of [...Object.values(credentials), null]) await batch("globex/site", who);
  expect(lfsAsked).toEqual([]);
  for (const way of WAYS) expect((await batch("acme/site", credentials[way])).status, way).toBe(200);
  expect((await batch("acme/open", null)).status).toBe(200);
  expect(lfsAsked.map(({ name }) => name)).toEqual(["target-1", "target-1", "target-1", "target-3"]);
});
