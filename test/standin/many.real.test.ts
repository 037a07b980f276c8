import { expect, test } from "vitest";
import { asInstallation, github, lsRemote, nextOf } from "./client.js";

const COUNT = 2_000;

test("thousands of repositories are made and listed, and are real", async () => {
  const standin = await github();
  const acme = standin.createInstallation("acme");
  const names = Array.from({ length: COUNT }, (_, index) => `r${index}`);
  const repos = await standin.createRepositories(acme, names);

  const seen = new Set<number>();
  let path: string | undefined = "/installation/repositories?per_page=100";
  while (path !== undefined) {
    const page = await asInstallation(standin, acme, path);
    expect(page.body.total_count).toBe(COUNT);
    for (const { id } of page.body.repositories) seen.add(id);
    path = nextOf(page);
  }
  expect(seen).toEqual(new Set(repos.map(({ id }) => id)));
  expect(standin.calls).toHaveLength(COUNT / 100);

  const [first, last] = [repos[0]!, repos.at(-1)!];
  const { after } = await standin.commit(first, "main");
  const main = "refs/heads/main";
  expect(await lsRemote(standin, acme, "acme/r0", main)).toEqual({ [main]: after });
  const untouched = await lsRemote(standin, acme, `acme/${last.name}`, main);
  expect(untouched).toEqual({ [main]: await standin.resolve(first, `${after}~1`) });
});
