import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZERO } from "../../src/base/model.js";
import { isRefName, isSha } from "../../src/base/names.js";
import { toIntent } from "../../src/deliveries/events.js";
import { actionOf } from "../../src/deliveries/payload.js";

const repository = { id: 7, full_name: "acme/site", pushed_at: 1_700_000_000 };
const push = { ref: "refs/heads/main", before: "1".repeat(40), after: "2".repeat(40), repository };
const all = () => true;
const decide = (name: string, payload: unknown, repositories: (name: string) => boolean = all) =>
  toIntent(
    { id: "x", name, payload, receivedAt: 1_700_000_000_500 },
    { repositories, refs: (ref) => !ref.startsWith("refs/pull/9"), wikis: true },
  );

describe("a push", () => {
  it("whose ref JSON could not carry asks for every ref", () => {
    expect(decide("push", { ...push, ref: "refs/heads/caf\uFFFD" })).toMatchObject({
      intent: { trigger: "push", hints: [], full: true },
    });
  });

  const hint = { ref: push.ref, before: push.before, after: push.after, pushedAt: 1_700_000_000 };

  it.each([
    ["seconds", 1_700_000_000],
    ["ISO 8601", "2023-11-14T22:13:20Z"],
  ])("is a hint at one ref; pushed_at may be %s", (_, pushed_at) => {
    expect(decide("push", { ...push, repository: { ...repository, pushed_at } })).toEqual({
      kind: "request",
      subject: { kind: "repository", id: 7 },
      intent: { trigger: "push", hints: [hint], full: false },
      repository: { owner: "acme", name: "site" },
      repositoryId: 7,
    });
  });

  it.each([
    [{ forced: false }, false],
    [{ forced: true }, true],
    [{ forced: "no" }, undefined],
    [{ forced: false, after: ZERO }, true],
  ])("with %j is forced: %s", (change, forced) => {
    const decision = decide("push", { ...push, ...change });
    expect(decision).toMatchObject({ kind: "request", intent: { full: false } });
    if (decision.kind === "request") expect(decision.intent.hints[0]?.forced).toBe(forced);
  });

  it.each([
    ["a ref outside refs/", { ref: "main" }],
    ["a ref that git forbids", { ref: "refs/heads/a..b" }],
    ["one of Lockstep's own refs", { ref: "refs/lockstep/kept/x" }],
    ["no ref", { ref: undefined }],
    ["an abbreviated before", { before: "1111111" }],
    ["an option as after", { after: "--upload-pack=x" }],
    ["nothing before and nothing after", { before: ZERO, after: ZERO }],
    ["no pushed_at", { repository: { ...repository, pushed_at: undefined } }],
    ["no usable pushed_at", { repository: { ...repository, pushed_at: "yesterday" } }],
    ["pushed_at of null", { repository: { ...repository, pushed_at: null } }],
  ])("with %s still compares every ref", (_, change) => {
    const intent = { trigger: "push", hints: [], full: true };
    expect(decide("push", { ...push, ...change })).toMatchObject({
      kind: "request",
      subject: { id: 7 },
      intent,
    });
  });

  it.each([
    ["no payload", undefined],
    ["a list", []],
    ["no repository", { ...push, repository: undefined }],
    ["an id that is text", { ...push, repository: { ...repository, id: "7" } }],
    ["an id of 0", { ...push, repository: { ...repository, id: 0 } }],
  ])("with %s is ignored", (_, payload) => {
    expect(decide("push", payload)).toEqual({ kind: "ignored", reason: "push does not name a repository" });
  });

  it("is ignored where REPOSITORIES excludes its repository", () => {
    const asked: string[] = [];
    const none = (name: string) => asked.push(name) < 0;
    expect(decide("push", push, none)).toEqual({
      kind: "ignored",
      reason: "REPOSITORIES does not include it",
    });
    expect(asked).toEqual(["acme/site"]);
  });

  it.each(["../../etc/passwd", "acme/..", "acme", "a/b/c", 7])(
    "is asked for by id when its name is %j",
    (full_name) => {
      const decision = decide("push", { ...push, repository: { ...repository, full_name } }, () => false);
      expect(decision).toMatchObject({ kind: "request", repositoryId: 7 });
      expect(decision).not.toHaveProperty("repository");
    },
  );
});

describe("an event about a repository", () => {
  it.each([
    ...["created", "renamed", "transferred", "edited", "unarchived", "publicized", "privatized"].map(
      (action) => [action, true] as const,
    ),
    ...["deleted", "archived", "something new"].map((action) => [action, false] as const),
  ])("%s asks for a reconcile (full: %s)", (action, full) => {
    expect(decide("repository", { action, repository, installation: { id: 3 } })).toMatchObject({
      subject: { kind: "repository", id: 7 },
      intent: { trigger: "backstop", hints: [], full },
      installationId: 3,
    });
  });

  it("is ignored where REPOSITORIES does not include it, unless its name is what changed", () => {
    const kinds = ["created", "deleted", "renamed", "transferred"].map(
      (action) => decide("repository", { action, repository }, () => false).kind,
    );
    expect(kinds).toEqual(["ignored", "ignored", "request", "request"]);
  });
});

it.each(["installation", "installation_repositories", "installation_target"])(
  "%s asks for a reconcile of the installation, whatever REPOSITORIES says",
  (name) => {
    expect(decide(name, { action: "x", installation: { id: 3 } }, () => false)).toEqual({
      kind: "request",
      subject: { kind: "installation", id: 3 },
      intent: { trigger: "onboard", hints: [], full: false },
      installationId: 3,
    });
    expect(decide(name, {})).toEqual({ kind: "ignored", reason: `${name} does not name an installation` });
  },
);

it.each(["ping", "create", "delete", "issues", "check_run"])("%s is ignored by name", (name) => {
  expect(decide(name, { repository, installation: { id: 3 } })).toEqual({
    kind: "ignored",
    reason: `nothing to do for ${name}`,
  });
});

it("the action is included where there is one", () => {
  expect([{ action: "created" }, { action: 1 }, null, "x"].map(actionOf)).toEqual([
    "created",
    null,
    null,
    null,
  ]);
});

it("no payload throws, and git accepts every hint", () => {
  const field = fc.oneof(fc.anything(), fc.constantFrom(push.ref, push.before, push.after, ZERO));
  const payloads = fc.oneof(
    fc.anything(),
    fc.record({
      ref: field,
      before: field,
      after: field,
      repository: fc.oneof(fc.anything(), fc.constant(repository)),
    }),
  );
  const names = fc.constantFrom("push", "repository", "installation", "installation_target", "ping");
  fc.assert(
    fc.property(names, payloads, (name, payload) => {
      const decision = decide(name, payload);
      if (decision.kind === "ignored") return;
      for (const { ref, before, after } of decision.intent.hints) {
        expect(isRefName(ref) && isSha(before) && isSha(after)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe("a pull_request", () => {
  const head = { sha: "3".repeat(40) };
  const opened = {
    ...{ action: "opened", number: 7, repository },
    pull_request: { head, updated_at: "2023-11-14T22:13:20Z" },
  };
  const hint = {
    ...{ ref: "refs/pull/7/head", before: ZERO, after: head.sha, pushedAt: 1_700_000_000, ordered: false },
  };

  it("asks for its head by name: nothing proves that the payload is the newest", () => {
    expect(decide("pull_request", opened)).toMatchObject({
      intent: { trigger: "push", hints: [hint], full: false },
    });
    const moved = { ...opened, action: "synchronize", before: "2".repeat(40) };
    expect(decide("pull_request", moved)).toMatchObject({
      intent: { hints: [{ ...hint, before: "2".repeat(40) }] },
    });
  });

  it.each([
    ["closed", { ...opened, action: "closed" }, /does not change any ref/],
    ["outside REFSPECS", { ...opened, number: 9 }, /REFSPECS/],
    ["of a repository that is left out", opened, /REPOSITORIES/],
  ])("%s asks for nothing", (what, payload, reason) => {
    const repositories = () => !what.includes("left out");
    expect(decide("pull_request", payload, repositories)).toEqual({
      kind: "ignored",
      reason: expect.stringMatching(reason),
    });
  });

  it("with an unusable payload is a full comparison", () => {
    expect(decide("pull_request", { ...opened, pull_request: { head } })).toMatchObject({
      intent: { hints: [], full: true },
    });
  });
});

describe("an edit of a wiki", () => {
  const sha = "3".repeat(40);
  const pages = [{ page_name: "Home", action: "edited", sha }];
  const hint = {
    ref: "refs/heads/master",
    before: ZERO,
    after: sha,
    pushedAt: 1_700_000_001,
    ordered: false,
  };
  const wiki = {
    kind: "request",
    subject: { kind: "repository", id: 1_000_000_000_007 },
    repositoryId: 1_000_000_000_007,
    repository: { owner: "acme", name: "site.wiki" },
  };

  it("asks for every ref of the wiki, until the last page's commit is there", () => {
    expect(decide("gollum", { repository, pages })).toEqual({
      ...wiki,
      intent: { trigger: "push", hints: [hint], full: true },
    });
  });

  it.each([[undefined], [[]], [[{ sha: "none" }]]])("whose pages are %j asks for every ref", (odd) => {
    expect(decide("gollum", { repository, pages: odd })).toEqual({
      ...wiki,
      intent: { trigger: "push", hints: [], full: true },
    });
  });

  it("counts if REPOSITORIES includes the repository, and WIKIS is set", () => {
    expect(decide("gollum", { repository, pages }, (name) => name !== "acme/site")).toMatchObject({
      reason: "REPOSITORIES does not include it",
    });
    const off = { repositories: all, refs: all, wikis: false };
    const event = { id: "x", name: "gollum", payload: { repository, pages }, receivedAt: 0 };
    expect(toIntent(event, off)).toEqual({ kind: "ignored", reason: "WIKIS is not set" });
  });
});
