import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { descendants } from "../../src/machine/process-table.js";
import { freePort } from "../../tools/lockstep.js";
import { plainGit } from "../support/git.js";
import { lfsReader } from "../support/lfs-client.js";
import { createCluster, type TestNode } from "../support/nodes.js";
import { fetchOf, listOf } from "../support/packets.js";
import { withToken } from "../support/rights.js";
import { readerDir, readerGit } from "../support/served.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

/** Nodes that serve mirrors to whoever may read them at GitHub. */
async function servingNodes(env: Record<string, string>, ...names: string[]) {
  const cluster = await createCluster({ INTERVAL: "10s", READERS: "github,public", ...env });
  const installation = cluster.standin.createInstallation("acme");
  const repos = await cluster.standin.createRepositories(installation, ["r0", "r1", "r2", "r3"]);
  const ports = new Map<string, number>();
  for (const name of names) ports.set(name, await freePort());
  await Promise.all(names.map((name) => cluster.start(name, { SERVE_PORT: String(ports.get(name)) })));
  await until(() => cluster.faults(repos)).toEqual([]);
  // A node that has cloned a repository of another one's keeps it for a while.
  await until(async () => {
    const answers = await Promise.all(
      [...cluster.nodes.values()].map(async ({ lockstep }) => (await lockstep.api("/api/v1/nodes")).json()),
    );
    return (answers as { nodes: { kept: number | null }[] }[]).every(
      ({ nodes }) => nodes.length === names.length && nodes.every(({ kept }) => kept === 0),
    );
  }).toBe(true);
  const credential = withToken(cluster.standin.token(installation));
  const urlOf = (node: TestNode, { owner, name }: { owner: string; name: string }) =>
    `http://127.0.0.1:${ports.get(node.name)}/${owner}/${name}`;
  const git = (...args: string[]) =>
    readerGit(readerDir(), "-c", `http.extraHeader=Authorization: ${credential}`, ...args);
  return { cluster, repos, urlOf, git, credential, nodes: [...cluster.nodes.values()] };
}

/** Sends a request as git does. */
const ask = (url: string, authorization: string, body: string, signal?: AbortSignal) =>
  fetch(`${url}/git-upload-pack`, {
    method: "POST",
    headers: {
      authorization,
      "content-type": "application/x-git-upload-pack-request",
      "git-protocol": "version=2",
    },
    body,
    ...(signal && { signal }),
  });

/** Asks for a list of refs. @returns the node that answered in another one's place, and the list */
async function listRefs(url: string, authorization: string) {
  const answer = await ask(url, authorization, listOf());
  return {
    status: answer.status,
    node: answer.headers.get("x-lockstep-node"),
    source: answer.headers.get("x-lockstep-source"),
    refs: await answer.text(),
  };
}

test("every node serves every mirror, in step, to whoever may read it and to nobody else", async () => {
  const { cluster, repos, urlOf, git, credential, nodes } = await servingNodes({}, "a", "b");
  for (const repo of repos)
    for (const node of nodes) {
      const url = urlOf(node, repo);
      const [owner] = cluster.ownersOf(repo);
      const push = await cluster.standin.commit(repo, "main");
      expect(await cluster.deliver(push, cluster.node(owner!))).toBe(202);
      // A reader waits two seconds for the push, and gets GitHub's answer then.
      await until(() => cluster.faults([repo])).toEqual([]);
      const listed = await listRefs(url, credential);
      expect(listed).toMatchObject({
        status: 200,
        source: "mirror",
        node: owner === node.name ? null : owner,
      });
      expect(listed.refs).toContain(push.after);
      expect((await listRefs(url, withToken("nobody"))).status).toBe(401);
      for (const version of ["0", "2"]) {
        const list = await git("-c", `protocol.version=${version}`, "ls-remote", url, "main");
        expect(list).toBe(`${push.after}\trefs/heads/main`);
      }
      const clone = readerDir();
      await git("clone", "-q", url, clone);
      expect(plainGit(join(clone, ".git"), "rev-parse", "HEAD")).toBe(push.after);
      const next = await cluster.standin.commit(repo, "main");
      await cluster.deliver(next, cluster.node(owner!));
      await git("-C", clone, "fetch", "-q");
      expect(plainGit(join(clone, ".git"), "rev-parse", "origin/main")).toBe(next.after);
      const shallow = readerDir();
      await git("clone", "-q", "--depth=1", url, shallow);
      expect(plainGit(join(shallow, ".git"), "rev-list", "--count", "HEAD")).toBe("1");
      await git("-C", shallow, "fetch", "-q", "--unshallow");
      const branch = await fetch(`${new URL(url).origin}/api/v3/repos/acme/${repo.name}`, {
        headers: { authorization: credential },
      });
      expect(await branch.json()).toEqual({ default_branch: "main" });
    }
});

test("git-lfs gets the files of a mirror from every node, with the credential that was good for the clone", async () => {
  const { cluster, repos, urlOf, credential, nodes } = await servingNodes({}, "a", "b");
  const { standin } = cluster;
  const [repo] = repos;
  const content = "a file that git does not keep\n".repeat(10_000);
  const files = {
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "a.bin": standin.lfs.put(content, `${repo!.owner}/${repo!.name}`),
  };
  const push = await standin.commit(repo!, "main", { files });
  expect(await cluster.deliver(push, nodes[0]!)).toBe(202);
  await until(() => cluster.faults(repos)).toEqual([]);
  for (const node of nodes) {
    const reader = lfsReader();
    await reader.install();
    const url = urlOf(node, repo!);
    await reader.git(
      "config",
      "--global",
      `http.${new URL(url).origin}/.extraheader`,
      `AUTHORIZATION: ${credential}`,
    );
    await reader.git("clone", "-q", url, reader.dir);
    expect(readFileSync(join(reader.dir, "a.bin"), "utf8")).toBe(content);
  }
  expect(standin.lfs.downloads).toHaveLength(2);
});

const LARGE = 80 * 2 ** 20;

/** A process's memory. @returns MiB: now, and at most so far */
function memoryOf({ lockstep }: TestNode) {
  const status = readFileSync(`/proc/${lockstep.pid}/status`, "utf8");
  const mib = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
  return { now: mib("VmRSS"), most: mib("VmHWM") };
}

const packsOf = ({ lockstep }: TestNode) =>
  descendants(lockstep.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("upload-pack");
    } catch {
      return false;
    }
  });

test("a node passes a large pack on without holding it, and follows when its reader or the other node goes", async () => {
  const { cluster, repos, urlOf, git, credential } = await servingNodes({ REPLICAS: "2" }, "a", "b", "c");
  const [repo] = repos;
  const owners = cluster.ownersOf(repo!);
  const between = [...cluster.nodes.values()].find(({ name }) => !owners.includes(name))!;
  const url = urlOf(between, repo!);
  // Bytes at random do not compress, and trying takes a busy machine a minute for each reader.
  plainGit(repo!.dir, "config", "core.compression", "0");
  const files = { large: randomBytes(LARGE).toString("latin1") };
  const push = await cluster.standin.commit(repo!, "main", { files });
  await cluster.deliver(push, between);
  await until(() => cluster.faults(repos)).toEqual([]);

  const before = memoryOf(between).now;
  const clone = readerDir();
  await git("clone", "-q", "--bare", url, clone);
  expect(plainGit(clone, "rev-parse", "main")).toBe(push.after);
  // Node frees what has gone through when it likes.
  expect(memoryOf(between).most - before).toBeLessThan((LARGE / 2 ** 20) * 0.75);

  const wants = fetchOf(`want ${push.after}`);
  const leaving = new AbortController();
  const left = await ask(url, credential, wants, leaving.signal);
  const server = cluster.node(left.headers.get("x-lockstep-node")!);
  await left.body!.getReader().read();
  expect(packsOf(server)).not.toEqual([]);
  leaving.abort();
  await until(() => packsOf(server)).toEqual([]);

  const broken = await ask(url, credential, wants);
  const reader = broken.body!.getReader();
  await reader.read();
  await cluster.node(broken.headers.get("x-lockstep-node")!).lockstep.kill9();
  const rest = async () => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow();
  const [other] = owners.filter((name) => name !== server.name);
  expect(await listRefs(url, credential)).toMatchObject({ status: 200, node: other, source: "mirror" });
  await git("clone", "-q", "--bare", url, readerDir());
  // Without a node that has the mirror, GitHub answers, as it does where there is one node alone.
  await cluster.node(other!).lockstep.kill9();
  expect(await listRefs(url, credential)).toMatchObject({ status: 200, node: null, source: "github" });
});
