import { expect, test } from "vitest";
import { github, lsRemote } from "./client.js";

test("a wiki is a git repository of its own from its first page on, and goes with its repository", async () => {
  const standin = await github();
  const repo = await standin.createRepository("acme", "app");
  const { pushedAt, installation } = repo;
  const refs = (name: string) => lsRemote(standin, installation!, name, "refs/*");
  await expect(refs("acme/app.wiki")).rejects.toThrow(/not found/i);

  const first = await standin.writePage(repo, "Home", "hello");
  expect(first.pages).toEqual([{ name: "Home", action: "created", sha: expect.any(String) }]);
  const second = await standin.writePage(repo, "Home", "hello again");
  expect(second.pages[0]).toMatchObject({ action: "edited" });
  expect(await refs("acme/app.wiki")).toEqual({ "refs/heads/master": second.pages[0]!.sha });
  expect(repo.pushedAt).toBe(pushedAt);

  const payload = standin.eventFor("gollum", "edited", second);
  expect(payload).toMatchObject({
    repository: { id: repo.id, full_name: "acme/app", has_wiki: true },
    installation: { id: installation!.id },
    pages: [{ page_name: "Home", action: "edited", sha: second.pages[0]!.sha }],
  });
  expect(payload).not.toHaveProperty("action");

  standin.renameRepository(repo, "site");
  expect(Object.keys(await refs("acme/site.wiki"))).toEqual(["refs/heads/master"]);
  standin.setWiki(repo, false);
  await expect(refs("acme/site.wiki")).rejects.toThrow(/not found/i);
});
