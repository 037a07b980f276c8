import { expect, test } from "vitest";
import { asApp, asInstallation, github, lsRemote } from "./client.js";

test("a transferred repository keeps its id, and its old name leads to where it is now", async () => {
  const standin = await github();
  const [from, to] = [standin.createInstallation("acme"), standin.createInstallation("globex")];
  const repo = await standin.createRepository("acme", "app");
  standin.transferRepository(repo, to, "globex");

  const old = await asApp(standin, "/repos/acme/app/installation");
  expect(old.status).toBe(301);
  const now = await asApp(standin, old.headers.get("location")!);
  expect(now).toMatchObject({ status: 200, body: { id: to.id } });
  expect((await asInstallation(standin, from, "/repos/acme/app")).status).toBe(404);
  const moved = await asInstallation(standin, to, "/repos/acme/app");
  expect(moved.status).toBe(301);
  const found = await asInstallation(standin, to, moved.headers.get("location")!);
  expect(found.body).toMatchObject({ id: repo.id, full_name: "globex/app" });
  const tip = await standin.tip(repo, "refs/heads/main");
  expect(await lsRemote(standin, to, "acme/app", "refs/heads/*")).toEqual({ "refs/heads/main": tip });
  await expect(lsRemote(standin, from, "globex/app")).rejects.toThrow();
});

test("a repository transferred to an account without the App is out of sight", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const installation = repo.installation!;
  standin.transferRepository(repo, null, "elsewhere");
  expect(repo).toMatchObject({ owner: "elsewhere", installation: null });
  for (const path of ["/repos/acme/app/installation", "/repos/elsewhere/app/installation"])
    expect((await asApp(standin, path)).status).toBe(404);
  expect((await asInstallation(standin, installation, `/repositories/${repo.id}`)).status).toBe(404);
});

test("an organisation's new login renames its repositories, until another takes the old name", async () => {
  const standin = await github();
  const acme = standin.createInstallation("Acme");
  const repo = await standin.createRepository("Acme", "app");
  const unselected = await standin.createRepository("Acme", "other", { installation: null });
  standin.renameOwner(acme, "acme-labs");
  expect(unselected.owner).toBe("acme-labs");
  const about = await asApp(standin, `/app/installations/${acme.id}`);
  expect(about.body.account).toMatchObject({ login: "acme-labs", id: acme.accountId });
  expect((await asInstallation(standin, acme, "/repos/acme-labs/app")).body.id).toBe(repo.id);
  expect((await asInstallation(standin, acme, "/repos/acme/app")).status).toBe(301);

  const newcomer = standin.createInstallation("acme");
  const another = await standin.createRepository("acme", "app", { installation: newcomer });
  expect((await asInstallation(standin, acme, "/repos/acme/app")).status).toBe(404);
  expect((await asInstallation(standin, newcomer, "/repos/acme/app")).body.id).toBe(another.id);
});

test("a name is one repository's, and a deleted one leaves no redirect", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const other = await standin.createRepository("acme", "other");
  expect(() => standin.renameRepository(other, "APP")).toThrow(/already/);
  standin.renameRepository(repo, "App");
  standin.renameRepository(repo, "new");
  await standin.deleteRepository(repo);
  expect((await asInstallation(standin, other.installation!, "/repos/acme/app")).status).toBe(404);
});

test("archived and public show in REST, and what is public every installation can read", async () => {
  const standin = await github();
  const stranger = standin.createInstallation("globex");
  const repo = await standin.createRepository("acme", "app");
  const path = `/repositories/${repo.id}`;
  expect((await asInstallation(standin, stranger, path)).status).toBe(404);
  standin.archiveRepository(repo);
  standin.setPrivate(repo, false);
  const seen = { archived: true, private: false, visibility: "public" };
  expect((await asInstallation(standin, stranger, path)).body).toMatchObject(seen);
  expect(await lsRemote(standin, stranger, "acme/app", "HEAD")).toHaveProperty("HEAD");
  const listed = await asInstallation(standin, stranger, "/installation/repositories");
  expect(listed.body).toEqual({ total_count: 0, repositories: [] });
  standin.archiveRepository(repo, false);
  standin.setPrivate(repo);
  const again = await asInstallation(standin, repo.installation!, path);
  expect(again.body).toMatchObject({ archived: false, private: true, visibility: "private" });
});

test("with selection all, every repository of the account comes in", async () => {
  const standin = await github();
  const acme = standin.createInstallation("acme", { selection: "selected" });
  const repo = await standin.createRepository("acme", "app", { installation: null });
  expect(standin.setSelection(acme, "all")).toEqual([repo]);
  const listed = await asInstallation(standin, acme, "/installation/repositories");
  expect(listed.body.repositories).toMatchObject([{ id: repo.id }]);
  const about = await asApp(standin, `/app/installations/${acme.id}`);
  expect(about.body.repository_selection).toBe("all");
  expect(standin.setSelection(acme, "selected")).toEqual([]);
  standin.removeRepository(repo);
  standin.addRepository(repo, acme);
  expect(repo.installation).toBe(acme);
});
