import { expect, test } from "vitest";
import { keepInstallUrl } from "../../../src/http/page/install-url.js";

const URL_OF_APP = "https://github.com/apps/lockstep/installations/new";

test("GitHub is asked once for where the App is installed", async () => {
  let asked = 0;
  const read = keepInstallUrl(async () => {
    asked += 1;
    return URL_OF_APP;
  });
  expect(await Promise.all([read(), read()])).toEqual([URL_OF_APP, URL_OF_APP]);
  expect(await read()).toBe(URL_OF_APP);
  expect(asked).toBe(1);
});

test("after a failure it is asked again half a minute later, not for each page", async () => {
  let now = 0;
  const answers = [new Error("GitHub is away"), URL_OF_APP];
  const find = async () => {
    const answer = answers.shift()!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const read = keepInstallUrl(find, () => now);
  expect(await read()).toBeNull();
  now = 29_999;
  expect(await read()).toBeNull();
  now = 30_000;
  expect(await read()).toBe(URL_OF_APP);
});

test("a page does not wait for a GitHub that hangs", async () => {
  let answer: (url: string) => void = () => {};
  const answered = new Promise<string>((resolve) => {
    answer = resolve;
  });
  const read = keepInstallUrl(() => answered);
  expect(await read()).toBeNull();
  answer(URL_OF_APP);
  expect(await read()).toBe(URL_OF_APP);
});
