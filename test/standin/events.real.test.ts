import { Webhooks } from "@octokit/webhooks";
import { expect, test } from "vitest";
import { changed, ZERO } from "../../tools/standin/index.js";
import { scriptedHost } from "../support/upstream.js";
import { asApp, github } from "./client.js";

test("a repository's events say what it is now and what it was", async () => {
  const standin = await github();
  const acme = standin.createInstallation("acme");
  const repo = await standin.createRepository("acme", "app");
  standin.renameRepository(repo, "new");
  expect(standin.eventFor("repository", "renamed", { repo, changes: changed.name("app") })).toMatchObject({
    action: "renamed",
    changes: { repository: { name: { from: "app" } } },
    repository: { id: repo.id, name: "new", full_name: "acme/new", private: true },
    organization: { login: "acme", id: acme.accountId },
    installation: { id: acme.id },
  });
  standin.archiveRepository(repo);
  standin.setPrivate(repo, false);
  const archived = standin.eventFor("repository", "archived", { repo });
  expect(archived).toMatchObject({
    action: "archived",
    repository: { archived: true, private: false, visibility: "public" },
  });
  expect(archived).not.toHaveProperty("changes");
  const { pushed_at } = archived.repository as { pushed_at: string };
  expect(Date.parse(pushed_at)).toBe(repo.pushedAt * 1000);
});

test("a transfer tells the new installation, or whichever is named", async () => {
  const standin = await github();
  const [from, to] = [standin.createInstallation("acme"), standin.createInstallation("globex")];
  const repo = await standin.createRepository("acme", "app");
  standin.transferRepository(repo, to);
  const changes = changed.owner("acme", from.accountId);
  expect(standin.eventFor("repository", "transferred", { repo, changes })).toMatchObject({
    changes: { owner: { from: { organization: { login: "acme", id: from.accountId } } } },
    repository: { id: repo.id, full_name: "globex/app", owner: { login: "globex" } },
    installation: { id: to.id },
  });
  standin.transferRepository(repo, null, "elsewhere");
  const lost = standin.eventFor("repository", "transferred", { repo, changes, installation: to });
  expect(lost.installation).toMatchObject({ id: to.id });
  expect(standin.eventFor("repository", "transferred", { repo })).not.toHaveProperty("installation");
});

test("an installation's events list its repositories where GitHub lists them", async () => {
  const standin = await github();
  const acme = standin.createInstallation("acme", { selection: "selected" });
  const repo = await standin.createRepository("acme", "app");
  const entry = { id: repo.id, node_id: `R_${repo.id}`, name: "app", full_name: "acme/app", private: true };
  expect(standin.eventFor("installation", "created", { installation: acme })).toMatchObject({
    action: "created",
    installation: { id: acme.id, app_id: standin.appId, account: { login: "acme" }, suspended_at: null },
    repositories: [entry],
  });
  standin.suspendInstallation(acme);
  const suspended = standin.eventFor("installation", "suspend", { installation: acme });
  expect(suspended.installation).toMatchObject({ suspended_at: acme.suspendedAt });
  expect(suspended).not.toHaveProperty("repositories");
  standin.removeInstallation(acme);
  const details = { installation: acme, repositories: [repo] };
  expect(standin.eventFor("installation", "deleted", details)).toMatchObject({ repositories: [entry] });

  expect(standin.eventFor("installation_repositories", "added", details)).toMatchObject({
    ...{ action: "added", repository_selection: "selected", installation: { id: acme.id } },
    ...{ repositories_added: [entry], repositories_removed: [] },
  });
  expect(standin.eventFor("installation_repositories", "removed", { installation: acme })).toMatchObject({
    ...{ action: "removed", repositories_added: [], repositories_removed: [] },
  });
});

test("an account's new login", async () => {
  const standin = await github();
  const installation = standin.createInstallation("acme");
  standin.renameOwner(installation, "acme-labs");
  const renamed = standin.eventFor("installation_target", "renamed", { installation, from: "acme" });
  expect(renamed).toMatchObject({
    account: { login: "acme-labs", id: installation.accountId, type: "Organization" },
    action: "renamed",
    changes: { login: { from: "acme" } },
    installation: { id: installation.id },
    target_type: "Organization",
  });
});

test("a pull request's events", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const pull = await standin.openPullRequest(repo);
  const opened = standin.eventFor("pull_request", "opened", pull);
  expect(opened).toMatchObject({
    number: 1,
    pull_request: {
      ...{ number: 1, state: "open", head: { ref: "patch-1", sha: pull.head } },
      base: { ref: "main", sha: pull.baseSha, repo: { id: repo.id } },
      updated_at: new Date(pull.updatedAt * 1000).toISOString().replace(".000", ""),
    },
    repository: { id: repo.id },
    installation: { id: repo.installation!.id },
  });
  expect(opened).toHaveProperty("pull_request.head.repo.full_name", "contributor/app");
  expect(opened).not.toHaveProperty("after");
  expect(pull.before).toBe(ZERO);

  const moved = await standin.updatePullRequest(pull);
  expect(standin.eventFor("pull_request", "synchronize", moved)).toMatchObject({
    ...{ before: pull.head, after: moved.head, pull_request: { head: { sha: moved.head } } },
  });
  const closed = standin.closePullRequest(moved, { merged: true });
  const event = standin.eventFor("pull_request", "closed", closed);
  expect(event).toMatchObject({ action: "closed", pull_request: { state: "closed", merged: true } });
  const reopened = standin.eventFor("pull_request", "reopened", standin.reopenPullRequest(closed));
  expect(reopened).toMatchObject({ pull_request: { state: "open", closed_at: null } });
});

test("an event is sent signed, or gets lost and is in the deliveries API alone", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const webhooks = new Webhooks({ secret: standin.webhookSecret });
  const host = await scriptedHost((req, res, body) => {
    const signature = String(req.headers["x-hub-signature-256"]);
    webhooks.verify(body.toString(), signature).then((ok) => res.writeHead(ok ? 202 : 401).end());
  });
  const event = standin.eventFor("repository", "archived", { repo });
  expect(await standin.deliverEvent("repository", event, { to: host.origin })).toMatchObject({ status: 202 });
  const lost = await standin.deliverEvent("repository", event, {});
  const [newest, before] = (await asApp(standin, "/app/hook/deliveries")).body;
  expect(newest).toMatchObject({
    ...{ guid: lost.id, event: "repository", action: "archived", repository_id: repo.id },
    status: "failed to connect to host",
  });
  expect(before).toMatchObject({ status: "OK", status_code: 202 });
});
