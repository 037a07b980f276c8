import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Repo, ZERO } from "../../tools/standin/index.js";
import { hook, isThere, touch } from "../support/consumers.js";
import { isRunning, plainGit } from "../support/git.js";
import { compare, refreshed as mirrored } from "../support/history.js";
import {
  checkoutsOf,
  expectTree,
  published,
  refreshed,
  treesOf,
  untilPublished,
} from "../support/published.js";
import { allowedSigners, gpgSigner, signedPush, signedTag, sshSigner } from "../support/signing.js";
import { filesBelow } from "../support/trees.js";
import type { World } from "../support/world.js";

const shownOf = async (world: World, repo: Repo) => (await checkoutsOf(world, repo))[0];

test("the hook sees the new tree before any reader, and all facts about it", async () => {
  const { file, dir, runs } = hook(
    'pwd > $DIR/pwd; cat a > $DIR/a; readlink -f "$LOCKSTEP_TREE" > $DIR/tree; env > $DIR/env',
  );
  const { repo, link, world, push } = await published({ PRE_PUBLISH_HOOK: file });
  const { commit: before } = await shownOf(world, repo);
  const after = await push({ a: "new" });
  expectTree(world, repo, link(), after);
  const text = (name: string) => readFileSync(join(dir, name), "utf8").trim();
  expect([text("pwd"), text("tree"), text("a")]).toEqual([realpathSync(link()), realpathSync(link()), "new"]);
  expect(runs().at(-1)).toMatchObject({
    ...{ REPOSITORY: "acme/app", REF: "refs/heads/main", BEFORE: before, AFTER: after },
  });
  expect(text("env")).not.toMatch(/TOKEN|SECRET|PRIVATE_KEY/);
});

test("publishing waits for the hook, and meanwhile the next pushes reach the mirror and overtake", async () => {
  const { file, dir, runs, until } = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin, link, push } = await published({ PRE_PUBLISH_HOOK: file });
  const before = await push({ a: "1" });
  const count = runs().length;
  touch(dir, "block");
  const next = await standin.commit(repo, "main", { files: { a: "2" } });
  await world.pushed(next);
  await until(() => runs().length > count);
  expectTree(world, repo, link(), before);
  expect(await shownOf(world, repo)).toMatchObject({ commit: before });
  for (const a of ["3", "4"]) {
    await mirrored(world, async () => world.pushed(await standin.commit(repo, "main", { files: { a } })));
    await world.inStep(repo);
  }
  expectTree(world, repo, link(), before);
  rmSync(join(dir, "block"));
  await untilPublished(world);
  const tip = world.tips(repo)["refs/heads/main"]!;
  expectTree(world, repo, link(), tip);
  // The hook has not seen the commit between.
  expect(
    runs()
      .slice(count)
      .map(({ AFTER }) => AFTER),
  ).toEqual([next.after, tip]);
});

test("a veto keeps the old tree, shows its reason and is not repeated, except by a manual refresh", async () => {
  const { file, dir, runs } = hook("[ -e bad ] || exit 0; [ -e $DIR/pardon ] || { echo no good; exit 3; }");
  const { world, repo, standin, link, push } = await published({ PRE_PUBLISH_HOOK: file });
  const good = await push({ a: "1" });
  const bad = await push({ bad: "1" });
  expectTree(world, repo, link(), good);
  expect(await shownOf(world, repo)).toMatchObject({
    ...{ commit: good, wanted: bad },
    veto: { reason: "veto", output: expect.stringMatching(/^no good\n+the pre-publish hook exited with 3$/) },
  });
  const asked = runs().length;
  await refreshed(world, async () => world.pushed(await standin.commit(repo, "side")));
  expect(runs().length).toBe(asked);
  touch(dir, "pardon");
  await compare(world, repo);
  expectTree(world, repo, link(), bad);
  expect(await shownOf(world, repo)).toMatchObject({ commit: bad, wanted: bad, veto: null });
});

test("after a veto the next commit is published, and no tree is left over", async () => {
  const { file } = hook("! [ -e bad ]");
  const { world, repo, standin, link, push } = await published({
    ...{ PRE_PUBLISH_HOOK: file, CHECKOUT_GRACE: "0s" },
  });
  await push({ bad: "1" });
  const fix = await standin.commit(repo, "main", { files: { bad: null, a: "2" } });
  await refreshed(world, () => world.pushed(fix));
  expectTree(world, repo, link(), fix.after);
  expect(treesOf(world, repo).length).toBeLessThanOrEqual(2);
});

test("a hook that takes too long, or cannot be run, accepts nothing", async () => {
  const { file, dir } = hook('[ -e "$DIR/block" ] && sleep 600; exit 0');
  const { world, repo, link, push } = await published({ PRE_PUBLISH_HOOK: file, PRE_PUBLISH_TIMEOUT: "1s" });
  const good = await push({ a: "1" });
  touch(dir, "block");
  await push({ a: "2" });
  expectTree(world, repo, link(), good);
  expect((await shownOf(world, repo)).veto.output).toMatch(/was stopped after 1000 ms$/);
  rmSync(file);
  await push({ a: "3" });
  expectTree(world, repo, link(), good);
  expect((await shownOf(world, repo)).veto.output).toContain("ENOENT");
});

test("what the hook writes into the tree is not published", async () => {
  for (const act of ["echo changed > a; echo new > left; ln -sf /etc/passwd b", "mkdir .git; chmod 600 a"]) {
    const { file } = hook(act);
    const { world, repo, link, push } = await published({ PRE_PUBLISH_HOOK: file });
    const sha = await push({ a: "1", b: "2" });
    expectTree(world, repo, link(), sha);
    expect(existsSync(join(link(), ".git"))).toBe(false);
    expect(statSync(join(link(), "a")).mode & 0o444).toBe(0o444);
  }
});

test("a deleted branch that returns with a vetoed commit keeps its tree, also after the grace", async () => {
  vi.useFakeTimers({ toFake: ["Date"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { file } = hook("test ! -e bad");
  const { world, repo, standin, link, push } = await published({
    CHECKOUTS: "acme/app@rel",
    PRE_PUBLISH_HOOK: file,
  });
  const sha = await push({ a: "1" }, "rel");
  await refreshed(world, async () => world.pushed(await standin.deleteRef(repo, "refs/heads/rel")));
  await push({ bad: "1" }, "rel");
  vi.setSystemTime(Date.now() + 2 * 3_600_000);
  await push({ bad: "2" }, "rel");
  expectTree(world, repo, link("app@rel"), sha);
  expect(await shownOf(world, repo)).toMatchObject({ commit: sha, veto: { reason: "veto" } });
});

test("with SSH signers only commits signed by one of them are published", async () => {
  const [mona, eve] = [sshSigner("mona"), sshSigner("eve")];
  const env = { VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: allowedSigners(mona) };
  const { world, repo, standin, link } = await published(env);
  expect(isThere(link())).toBe(false);
  expect((await shownOf(world, repo)).veto).toMatchObject({ reason: "unsigned" });
  const good = await signedPush(standin, repo, mona);
  await refreshed(world, () => world.pushed(good));
  expectTree(world, repo, link(), good.after);
  for (const [by, reason] of [
    [eve, "untrusted"],
    [null, "unsigned"],
  ] as const) {
    const bad = await signedPush(standin, repo, by);
    await refreshed(world, () => world.pushed(bad));
    expectTree(world, repo, link(), good.after);
    expect(await shownOf(world, repo)).toMatchObject({ wanted: bad.after, veto: { reason } });
  }
});

test("an OpenPGP keyring works too, and an SSH signature does not count there", async () => {
  const [mona, eve, ssh] = [gpgSigner("mona"), gpgSigner("eve"), sshSigner("mona")];
  const { world, repo, standin, link } = await published({
    ...{ VERIFY_SIGNATURES: "openpgp", GPG_HOME: mona.home },
  });
  const good = await signedPush(standin, repo, mona);
  await refreshed(world, () => world.pushed(good));
  expectTree(world, repo, link(), good.after);
  for (const by of [eve, ssh]) {
    const bad = await signedPush(standin, repo, by);
    await refreshed(world, () => world.pushed(bad));
    expect(await shownOf(world, repo)).toMatchObject({ commit: good.after, veto: { reason: "untrusted" } });
  }
});

test("a signed tag publishes an unsigned commit", async () => {
  const [mona, eve] = [sshSigner("mona"), sshSigner("eve")];
  const { world, repo, standin, link } = await published({
    CHECKOUTS: "acme/app@refs/tags/v1,acme/app@refs/tags/v2",
    ...{ VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: allowedSigners(mona) },
  });
  const tags = [await signedTag(standin, repo, "v1", mona), await signedTag(standin, repo, "v2", eve)];
  await refreshed(world, () => world.pushed(tags[0]!));
  await refreshed(world, () => world.pushed(tags[1]!));
  const [v1, v2] = await checkoutsOf(world, repo);
  expectTree(world, repo, link("app@refs%2Ftags%2Fv1"), v1.commit);
  expect(v2).toMatchObject({ commit: null, veto: { reason: "untrusted" } });
});

test("a signed tag counts only for the ref that it names", async () => {
  const [mona, eve] = [sshSigner("mona"), sshSigner("eve")];
  const names = ["v2", "v3", "v4"].map((name) => `refs/tags/${name}`);
  const { world, repo, standin, link } = await published({
    CHECKOUTS: [...names, "refs/releases/v1"].map((ref) => `acme/app@${ref}`).join(","),
    REFSPECS: "refs/heads/*,refs/tags/*,refs/releases/*",
    ...{ VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: allowedSigners(mona) },
  });
  const put = (ref: string, after: string) => standin.updateRefs(repo, [{ ref, before: ZERO, after }]);
  const unsigned = await signedPush(standin, repo, null);
  const v1 = await signedTag(standin, repo, "v1", mona);
  // The outer one of two nested tags counts.
  plainGit(repo.dir, ...mona.options, "tag", "-s", "-m", "x", "v4", v1.after);
  await put("refs/tags/v2", v1.after);
  await put("refs/releases/v1", v1.after);
  await signedPush(standin, repo, mona);
  // The commit's own signature counts, whatever the tag's name and signer are.
  const v3 = await signedTag(standin, repo, "other", eve);
  await put("refs/tags/v3", v3.after);
  await compare(world, repo);
  const all = new Map((await checkoutsOf(world, repo)).map((one) => [one.ref, one]));
  for (const ref of ["refs/tags/v2", "refs/releases/v1"]) {
    expect(all.get(ref)).toMatchObject({ commit: null, veto: { reason: "untrusted" } });
    expect(all.get(ref).veto.output).toBe(`the tag at ${ref} is signed as "v1"`);
  }
  expectTree(world, repo, link("app@refs%2Ftags%2Fv3"), plainGit(repo.dir, "rev-parse", "main"));
  expectTree(world, repo, link("app@refs%2Ftags%2Fv4"), unsigned.after);
});

test("a key's valid-before is compared with the commit's own date", async () => {
  const mona = sshSigner("mona");
  const file = allowedSigners({
    ...mona,
    allowed: mona.allowed.replace(" ", ' valid-before="20200101" '),
  });
  const { world, repo, standin, link } = await published({ VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: file });
  const late = await signedPush(standin, repo, mona);
  await refreshed(world, () => world.pushed(late));
  expect(await shownOf(world, repo)).toMatchObject({ commit: null, veto: { reason: "untrusted" } });
  const early = await signedPush(standin, repo, mona, "1500000000 +0000");
  await refreshed(world, () => world.pushed(early));
  expectTree(world, repo, link(), early.after);
  writeFileSync(file, sshSigner("eve").allowed);
  const retired = await signedPush(standin, repo, mona, "1500000000 +0000");
  await refreshed(world, () => world.pushed(retired));
  expect(await shownOf(world, repo)).toMatchObject({ commit: early.after, veto: { reason: "untrusted" } });
});

test("a repository cannot define its own valid signatures", async () => {
  const mona = sshSigner("mona");
  const eve = sshSigner("eve");
  const env = { VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: allowedSigners(mona) };
  const { world, repo, standin, link } = await published(env);
  const mirror = world.mirror(repo);
  const own = allowedSigners(eve);
  const config = `[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tallowedSignersFile = ${own}\n\tprogram = /bin/true\n`;
  writeFileSync(join(mirror, "config"), config, { flag: "a" });
  const bad = await signedPush(standin, repo, eve);
  await refreshed(world, () => world.pushed(bad));
  expect(isThere(link())).toBe(false);
  expect((await shownOf(world, repo)).veto).toMatchObject({ reason: "untrusted" });
});

test("a replace ref does not make an unsigned commit look signed", async () => {
  const mona = sshSigner("mona");
  const env = { VERIFY_SIGNATURES: "ssh", ALLOWED_SIGNERS: allowedSigners(mona), REFSPECS: "refs/*" };
  const { world, repo, standin, link } = await published(env);
  const good = await signedPush(standin, repo, mona);
  await refreshed(world, () => world.pushed(good));
  const bad = await standin.commit(repo, "main", { files: { evil: "1" } });
  await standin.writeRef(repo, `refs/replace/${bad.after}`, good.after);
  await compare(world, repo);
  expect(world.tips(repo)[`refs/replace/${bad.after}`]).toBe(good.after);
  expect(await shownOf(world, repo)).toMatchObject({ commit: good.after, veto: { reason: "unsigned" } });
  expect(isThere(link(), "evil")).toBe(false);
});

test("a process that the hook leaves running cannot write into the published tree", async () => {
  const { file, dir } = hook(
    '(while [ ! -e "$DIR/go" ]; do sleep 0.05; done; echo evil > "$LOCKSTEP_TREE/late") & echo $! > $DIR/pid',
  );
  const { world, repo, link, push } = await published({ PRE_PUBLISH_HOOK: file });
  const sha = await push({ a: "1" });
  const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
  touch(dir, "go");
  expect(isRunning(pid)).toBe(false);
  expectTree(world, repo, link(), sha);
});

test("after a veto other options publish nothing that the hook has not seen", async () => {
  const { file } = hook("! [ -e src/evil ] && ! [ -e docs/bad ]");
  const { world, repo, standin, link, push } = await published({
    ...{ PRE_PUBLISH_HOOK: file, CHECKOUTS: "acme/app?paths=docs" },
  });
  const good = await push({ "docs/a": "1", "src/evil": "1" });
  await push({ "docs/bad": "1" });
  await world.stop();
  await world.start({ CHECKOUTS: "acme/app" });
  await refreshed(world, async () => world.pushed(await standin.commit(repo, "side")));
  expect(filesBelow(realpathSync(link()))).toEqual(["100644 docs/a 1"]);
  expect(await shownOf(world, repo)).toMatchObject({ commit: good, veto: { reason: "veto" } });
});
