import { expect, test } from "vitest";
import type { ApiPorts } from "../../../src/http/api.js";
import type { DeliveryView } from "../../../src/http/log-view.js";
import type { PageOptions } from "../../../src/http/page/routes.js";
import { apiPorts } from "../../support/api.js";
import { startPage } from "../../support/page.js";
import { sceneOf } from "../../support/scenes.js";

async function shown(path: string, ports: ApiPorts, more: Partial<PageOptions> = {}) {
  const { get, post, signIn } = await startPage({ ports, ...more });
  const cookie = await signIn();
  const text = await (await get(path, cookie)).text();
  return {
    text,
    words: text
      .replace(/<wbr\/?>/g, "")
      .replace(/<[^>]+>/g, " ")
      .replace(/\s+/g, " ")
      .replaceAll("&#39;", "'"),
    post,
    cookie,
  };
}

test("what needs attention has its remedy as a button, which leads back to the overview", async () => {
  const asked: unknown[] = [];
  const scene = sceneOf("failing", 303);
  const ports: ApiPorts = {
    ...scene,
    refresh: (id) => void asked.push(id),
    allow: (...args) => {
      asked.push(args);
      return null;
    },
  };
  const { text, words, post, cookie } = await shown("/", ports);
  expect(words).toContain("3 of 303 repositories are not in step");
  expect(text).toContain("<title>✗ 3 need attention – Lockstep</title>");
  expect(text).toMatch(/action="\/repos\/acme\/web\/refresh"/);
  expect(words).toMatch(
    /acme\/web GitHub answers 403.* → Add this server's address .* list\. Lockstep tries again by itself\..*for \d+ min Try again/,
  );
  expect(words).toMatch(/acme\/site main was moved by force.* Allow the change of acme\/site/);
  const allowed = await post(
    "/repos/acme/web/allow",
    { ref: "refs/heads/main", wanted: "5".repeat(40), from: "/?span=week" },
    cookie,
  );
  expect([allowed.status, allowed.headers.get("location")]).toEqual([303, "/?span=week"]);
  expect(asked).toEqual([[1, "refs/heads/main", "5".repeat(40)], 1]);
});

test("during an outage the list names the server, and no tile says that the mirrors are in step now", async () => {
  const { text, words } = await shown("/", sceneOf("away", 3));
  expect(text).toMatch(/class="share" role="img" aria-label="3 in step until then"/);
  expect(words).toMatch(/GitHub has been unreachable since \d\d:\d\d UTC/);
  expect(words).toMatch(/github\.com is unreachable No answer from github\.com\..* for 14 min/);
  expect(words).toMatch(/3 In step until then 0 Failing/);
});

test("the states above the list count each repository once, and tiles have the same numbers", async () => {
  const scene = sceneOf("failing", 10_000);
  const status = await scene.status();
  const repositories = { ...status.repositories, retired: 4, gone: 3, paused: 2 };
  const asked: unknown[] = [];
  const ports: ApiPorts = {
    ...scene,
    status: () => ({ ...status, repositories }),
    ranked: (query) => {
      asked.push(query);
      return scene.ranked(query);
    },
  };
  const { text } = await shown("/repositories?state=fresh", ports);
  const chips = /aria-label="States">(.*?)<\/nav>/s.exec(text)![1]!;
  const counts = [...chips.matchAll(/> ?([A-Za-z ]+?) ([\d,]+)</g)].map(
    ([, name, count]) => [name, Number(count!.replace(",", ""))] as const,
  );
  const [all, ...states] = counts;
  expect(all).toEqual(["All", 10_009]);
  expect(states.reduce((sum, [, count]) => sum + count, 0)).toBe(10_009);
  expect(Object.fromEntries(states)).toMatchObject({ Failing: 2, Held: 1, "In step": 9_997 });
  expect((await shown("/", ports)).words).toMatch(/9,997 In step 2 Failing .* 1 With held refs/);
  await shown("/repositories?state=held", ports);
  expect(asked).toMatchObject([
    { state: "fresh", isHeld: false, hasNoHolds: true },
    { state: null },
    { state: "fresh", isHeld: true },
  ]);
});

test("each chart says in words what it shows, and the figures are a table", async () => {
  const { text } = await shown("/", sceneOf("healthy", 3));
  const labels = [...text.matchAll(/<svg role="img" aria-label="([^"]+)"/g)].map(([, label]) => label);
  expect(labels).toEqual([
    "Push to mirror, last day: 47 ms median, 98 ms p95",
    expect.stringMatching(/^Refreshes, last day: 1,412 pushes, 1,968 other/),
    expect.stringMatching(/^Failures, last day: 9/),
    expect.stringMatching(/^Backlog, last day: \d+ now, max \d/),
    expect.stringMatching(/^Oldest proof, last day: [\d.]+ m?s? ?(min)? ?now, max \d min/),
    expect.stringMatching(/^GitHub(&#39;|')s API, last day: \d+ % now, min \d+ %/),
    expect.stringMatching(/^Free disk, last day: 7\d\.\d GiB/),
  ]);
  const tops = [...text.matchAll(/<span class="y" aria-hidden="true">([^<]*)/g)].map(([, top]) => top);
  expect(tops).toEqual(["200 ms", "60", "4", "6", "4 min", "100 %", "100.0 GiB"]);
  expect(text).toContain('href="/trends?span=day"');
  const figures = await shown("/trends?span=hour", sceneOf("healthy", 3));
  expect(figures.text.match(/<th role="rowheader"/g)).toHaveLength(57);
  expect(figures.words).toContain("The last hour in figures");
});

test("a chart without any figure is drawn, too", async () => {
  const { text, words } = await shown("/", apiPorts());
  expect(words).toContain("nothing yet");
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});

test("a chart says in the first minute what it will show, and when its first figure comes", async () => {
  const scene = sceneOf("cloning", 3);
  const { words } = await shown("/?span=hour", scene);
  const { from, stepMs, points } = scene.trends("hour");
  const next = new Date(Date.parse(from) + points.length * stepMs).toISOString().slice(11, 16);
  for (const text of [
    "How long pushes take to arrive. The next push is the first point.",
    "Pushes and other refreshes. The next refresh is the first bar.",
    "No refresh has failed.",
    "Begins with the first repository.",
  ])
    expect(words).toContain(text);
  expect(words.split(`One figure so far, the next at ${next} UTC`)).toHaveLength(4);
  const trends = scene.trends("hour");
  const cloned = trends.points.map((one) => one && { ...one, refreshes: 3 });
  const soon = await shown("/?span=hour", { ...scene, trends: () => ({ ...trends, points: cloned }) });
  expect(soon.words).toContain("The next push is the first point.");
  expect(soon.words).not.toContain("The next refresh is the first bar.");
  const later = await shown("/?span=hour", sceneOf("healthy", 3));
  expect(later.text).not.toContain('class="awaited"');
});

test("the icon of the tab says how the whole is, and each state has one of its own", async () => {
  const iconOf = async (ports: ApiPorts) => {
    const { get, signIn } = await startPage({ ports });
    const text = await (await get("/", await signIn())).text();
    const path = /<link id="icon" rel="icon" href="([^"]+)"/.exec(text)![1]!;
    return (await get(path)).text();
  };
  const held = { ...sceneOf("healthy", 3) };
  const status = await held.status();
  const icons = await Promise.all([
    ...[sceneOf("healthy", 3), sceneOf("cloning", 3), sceneOf("failing", 3)].map(iconOf),
    iconOf({ ...held, status: () => ({ ...status, heldRepositories: 1 }) }),
  ]);
  expect(new Set(icons).size).toBe(4);
  for (const icon of icons) expect(icon).toMatch(/^<svg/);
});

test("every list has the way back and forth, and a word where there is none", async () => {
  const scene = sceneOf("healthy", 10_000);
  const wordsOf = async (path: string) =>
    /<nav class="pages".*?<\/nav>/s
      .exec((await shown(path, scene)).text)![0]
      .replace(/<span class="dim">.*?<\/span>/s, "")
      .replace(
        /<(a|span class="button off")[^>]*>\s*(\w+ \w+)/g,
        (_, tag: string, word: string) => `${tag[0]}:${word} `,
      )
      .replace(/<[^>]+>/g, "")
      .trim();
  expect(await wordsOf("/repositories")).toBe("s:Previous page a:Next page");
  expect(await wordsOf("/repositories?page=2")).toBe("a:Previous page a:Next page");
  expect(await wordsOf("/repositories?page=200")).toBe("a:Previous page s:Next page");
  expect(await wordsOf("/deliveries")).toBe("s:First page a:Next page");
  const { next } = await scene.deliveries({} as never);
  const cursor = Buffer.from(JSON.stringify(next)).toString("base64url");
  expect(await wordsOf(`/deliveries?cursor=${cursor}`)).toBe("a:First page a:Next page");
});

test("how long the disk lasts is said once there are figures of a day", async () => {
  const scene = sceneOf("healthy", 3);
  const withoutEnd: ApiPorts = { ...scene, trends: (span) => ({ ...scene.trends(span), diskFullAt: null }) };
  for (const path of ["/", "/server"]) {
    expect((await shown(path, scene)).words).toContain("full in 210 d at the pace of the last week");
    expect((await shown(path, withoutEnd)).words).toContain(
      "at the pace of the last week it does not fill up",
    );
    const { words } = await shown(path, sceneOf("cloning", 3));
    expect(words).toContain("when it will be full can be said after one day");
    expect(words).not.toContain("fill up");
  }
});

test("an account whose name is not known yet is not called by its number", async () => {
  const scene = sceneOf("healthy", 3);
  const status = await scene.status();
  const [limit] = status.github.limits;
  const limits = [{ ...limit!, whose: "installation 149764521", account: "installation 149764521" }];
  const { words } = await shown("/", {
    ...scene,
    status: () => ({ ...status, github: { calls: 1, limits } }),
  });
  expect(words).toContain("GitHub's API, a new account 4,640 of 5,000 left");
  expect(words).not.toContain("149764521");
});

test("GitHub's limits are named by their account, the one with the least left first, and only some are shown", async () => {
  const scene = sceneOf("healthy", 3);
  const status = await scene.status();
  const { words } = await shown("/", scene);
  expect(words).toMatch(
    /GitHub's API, acme 4,640 of 5,000 left .* GitHub's API, the App 4,990 of 5,000 left/,
  );
  const limits = Array.from({ length: 300 }, (_, n) => ({
    ...status.github.limits[0]!,
    ...{ whose: `installation ${n}`, account: `org-${n}`, remaining: 4_000 - n },
  }));
  const many = await shown("/", { ...scene, status: () => ({ ...status, github: { calls: 1, limits } }) });
  expect(many.words.match(/[\d,]+ of 5,000 left/g)).toEqual(
    ["3,701", "3,702", "3,703"].map((left) => `${left} of 5,000 left`),
  );
  expect(many.words).toContain("297 more accounts have more left.");
});

test("what was done is said in sentences", async () => {
  const { words } = await shown("/", sceneOf("healthy", 3));
  for (const sentence of [
    "acme/web main → 3333333 41 ms after the push",
    "acme/api release/4.2 is new at 3333333",
    "acme/site published the tree of main at 3333333",
    "acme/ios-app tag v7.1.0 is new at 3333333",
    "acme/docs feature/lake was deleted, and 2 more",
    "acme/web was cloned, with 214 refs",
  ])
    expect(words).toContain(sentence);
});

const INSTALL = "https://github.com/apps/lockstep/installations/new";

test.each(["/", "/repositories"])(
  "%s: an App that is installed nowhere has a link that installs it",
  async (path) => {
    const { text, words } = await shown(path, sceneOf("healthy", 0), { findInstallUrl: async () => INSTALL });
    expect(words).toContain("Install the App on a GitHub account");
    expect(text).toContain(`<a class="button primary" href="${INSTALL}"`);
    expect(words).not.toMatch(/matches the filter/);
    expect(words.match(/Install (it|the App) on a GitHub account/g)).toHaveLength(1);
  },
);

test("where GitHub does not say how the App is installed, the page says it in words", async () => {
  const findInstallUrl = async () => Promise.reject(new Error("GitHub is away"));
  const { words } = await shown("/", sceneOf("healthy", 0), { findInstallUrl });
  expect(words).toContain("No repository is mirrored yet");
  expect(words).toContain("On the App's page at GitHub, choose Install App");
});

test("a webhook that never called is said with the URL that GitHub should call", async () => {
  const scene = sceneOf("healthy", 3);
  const status = await scene.status();
  const silent = { ...status, deliveries: { ...status.deliveries, lastWebhookAt: null } };
  const ports: ApiPorts = {
    ...scene,
    status: () => silent,
    deliveries: () => ({ deliveries: [], next: null }),
  };
  const options = { publicUrl: "https://mirrors.example.com", webhookPath: "/hooks/github" };
  const overview = await shown("/", ports, options);
  expect(overview.words).toMatch(/GitHub has not called yet.*https:\/\/mirrors\.example\.com\/hooks\/github/);
  expect(overview.text).toContain('data-copy="webhook"');
  expect(overview.words).toMatch(
    /found only by the backstop Every INTERVAL, Lockstep compares [^.]* that no delivery reported\. , every 5 min/,
  );
  const off = { ...silent, backstop: { ...silent.backstop, intervalMs: null } };
  const unnoticed = await shown("/", { ...ports, status: () => off });
  expect(unnoticed.words).toContain("GitHub has not called yet, so no push is found. →");
  // A drawing is kept for what it is drawn of, and the URL belongs to that.
  await shown("/deliveries", ports);
  const deliveries = await shown("/deliveries", ports, options);
  expect(deliveries.words).toContain("which must be https://mirrors.example.com/hooks/github");
  const unknown = await shown("/", ports);
  expect(unknown.words).toContain("this server's public address with the path /api/github/webhooks");
});

test("where a filter leaves no delivery, the page does not say that none has come", async () => {
  const ports: ApiPorts = { ...sceneOf("healthy", 3), deliveries: () => ({ deliveries: [], next: null }) };
  const { words } = await shown("/deliveries?outcome=ignored", ports);
  expect(words).toContain("No delivery matches the filter.");
  expect(words).not.toContain("No delivery yet");
});

test("several repositories are paused together; what cannot be is left alone and said", async () => {
  const paused: number[] = [];
  const scene = sceneOf("healthy", 3);
  const { repositories } = await scene.ranked({ limit: 3 } as never);
  const get: ApiPorts["get"] = (_, name) => {
    const found = repositories.find((one) => one.name === name) ?? null;
    return found && name === "site" ? { ...found, state: "gone" } : found;
  };
  const page = await startPage({ ports: { ...scene, get, pause: (id) => void paused.push(id) } });
  const { cookie } = await page.signIn();
  const send = (names: string[]) =>
    fetch(`${page.base}/repositories/pause`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: page.base, cookie },
      body: new URLSearchParams(
        `${names.map((name) => `id=${encodeURIComponent(name)}&`).join("")}from=/repositories?page=2`,
      ),
    });
  const done = await send(["acme/web", "acme/api", "acme/site", "no name", "acme/none"]);
  expect([done.status, done.headers.get("location"), paused]).toEqual([303, "/repositories?page=2", [1, 2]]);
  expect(decodeURIComponent(done.headers.get("set-cookie")!)).toContain("Paused 2 repositories; 3 were left");
  expect((await send([])).status).toBe(409);
  expect((await send(["acme/site"])).status).toBe(409);
});

test("deliveries are sentences that unfold, and refused calls are counted", async () => {
  const scene = sceneOf("healthy", 3);
  const receivedAt = "2026-01-05T12:00:00.000Z";
  const delivery: DeliveryView = {
    ...{
      id: "guid-1",
      event: "push",
      action: null,
      via: "recovered" as const,
      receivedAt,
      repository: "acme/web",
    },
    ...{ repositoryId: 1, installationId: 3, outcome: "refreshed" as const, reason: null },
    headers: { "X-GitHub-Hook-ID": "292430182" },
    ...{ refreshedAt: "2026-01-05T12:00:00.103Z", became: "refreshed at 2026-01-05T12:00:00.103Z" },
  };
  const ports: ApiPorts = {
    ...scene,
    deliveries: () => ({ deliveries: [delivery], next: null }),
    refused: () => ({
      refused: [{ reason: "bad_signature", address: "192.0.2.1", count: 3, lastAt: receivedAt }],
      total: 3,
    }),
  };
  const { words, text } = await shown("/deliveries?outcome=refreshed&repository=acme/web", ports);
  expect(words).toContain("push to acme/web : refreshed 103 ms after it came, found in GitHub's log");
  expect(words).toContain("3 calls were refused since the start 3 × bad_signature from 192.0.2.1");
  expect(text).toMatch(/<details><summary>.*X-GitHub-Delivery.*guid-1/s);
  expect(text).toContain('href="/deliveries?repository=acme%2Fweb&amp;outcome=ignored"');
});
