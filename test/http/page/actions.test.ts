import { expect, test } from "vitest";
import type { ApiPorts } from "../../../src/http/api.js";
import type { InstallationView } from "../../../src/http/operate.js";
import type { KeptView } from "../../../src/http/view.js";
import { apiPorts, SITE } from "../../support/api.js";
import { startPage } from "../../support/page.js";

const AT = "2024-01-01T00:00:00.000Z";
const REF = "refs/heads/main";
const [OLD, WANTED] = ["1".repeat(40), "2".repeat(40)];
const NAME = `refs/lockstep/kept/1-${OLD}/heads/main`;
const REPO = "/repos/acme/site";
const RESTORE = `${REPO}/restore?kept=${encodeURIComponent(NAME)}`;
const REMOVAL = "/installations/3/confirm-removal";
const no = { status: 409, reason: "moved_on", detail: "GitHub is elsewhere", remedy: "look again" };

const KEPT = { name: NAME, ref: REF, sha: OLD, keptAt: AT, expiresAt: AT, restore: "POST …", push: "git" };
const HOLD = { ref: REF, tip: OLD, wanted: WANTED, since: AT, allow: "POST …", push: "git" };

const historyOf = (tip: KeptView): Pick<ApiPorts, "refs" | "kept" | "keptTip" | "holds" | "deliveries"> => ({
  deliveries: apiPorts().deliveries,
  refs: apiPorts().refs,
  kept: async () => ({ kept: [tip], next: null, total: 1 }),
  keptTip: async (_, name) => (name === tip.name ? { kept: tip, current: WANTED } : null),
  holds: () => ({ holds: [{ ...HOLD, cause: "blocked" }], next: null, total: 1 }),
});

/** A repository with a hold and a kept tip, signed in. */
async function start(ports: Partial<ApiPorts> = {}, options: Parameters<typeof apiPorts>[0] = {}) {
  const calls: unknown[][] = [];
  const page = await startPage({ ports: { ...apiPorts(options, calls), ...historyOf(KEPT), ...ports } });
  const cookie = await page.signIn();
  const text = async (path: string) => (await page.get(path, cookie)).text();
  const post = (path: string, fields: Record<string, string>) => page.post(path, fields, cookie);
  return { ...page, calls, cookie, text, send: post };
}

/** The fields that the form for `path` would send. */
function formOf(html: string, path: string): Record<string, string> {
  const form = html.split("<form ").find((it) => it.includes(`action="${path}"`)) ?? "";
  const inputs = form.split("</form>")[0]!.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g);
  return Object.fromEntries([...inputs].map(([, name, value]) => [name!, value!]));
}

test("a held ref is allowed to the value that the page showed, and a refresh requested", async () => {
  const { text, send, calls, get, cookie } = await start();
  const form = formOf(await text(REPO), `${REPO}/allow`);
  expect(form).toEqual({ ref: REF, wanted: WANTED });
  const answer = await send(`${REPO}/allow`, form);
  expect([answer.status, answer.headers.get("location")]).toEqual([303, REPO]);
  expect(calls).toEqual([
    ["allow", 7, REF, WANTED],
    ["refresh", 7],
  ]);
  const note = (answer.headers.get("set-cookie") ?? "").split(";")[0]!;
  const next = await (await get(REPO, { cookie: `${cookie.cookie}; ${note}` })).text();
  expect(next).toMatch(new RegExp(`<p role="status">[^<]*${REF}`));
});

test("a remedy is a button and what it does, no call of the API; the words are explained", async () => {
  const shown = await start();
  const text = await shown.text(REPO);
  expect(text).not.toMatch(/POST|\/api\/v1/);
  expect(text).toContain(`moves the ref to ${WANTED.slice(0, 10)}`);
  expect(text).toMatch(/class="word" aria-describedby="word-held">Held refs</);
  expect(text).toMatch(/class="word" aria-describedby="word-kept">Kept tips</);
  const paused = await start({ get: () => ({ ...SITE, state: "paused", pausedAt: AT }) });
  const rest = await paused.text(REPO);
  expect(rest).toContain("resume the repository first");
  expect(rest).not.toContain(`action="${REPO}/allow"`);
});

test("a kept tip is restored after a confirmation page, which changes nothing", async () => {
  const { text, send, calls } = await start();
  expect(formOf(await text(REPO), `${REPO}/restore`)).toEqual({ kept: NAME });
  const look = await text(RESTORE);
  for (const text of [REF, "acme/site", OLD]) expect(look).toContain(text);
  expect(look).not.toContain('name="ref"');
  expect(calls).toEqual([]);
  const answer = await send(`${REPO}/restore`, formOf(look, `${REPO}/restore`));
  expect([answer.status, answer.headers.get("location")]).toEqual([303, REPO]);
  expect(calls).toEqual([
    ["restore", 7, NAME, undefined],
    ["refresh", 7],
  ]);
});

test("a kept tip that does not name its ref is asked for it", async () => {
  const { text, send, calls } = await start(historyOf({ ...KEPT, ref: null }));
  expect(await text(RESTORE)).toMatch(/<label>Ref <input name="ref" required/);
  const wrong = await send(`${REPO}/restore`, { kept: NAME, ref: "main" });
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining("refs/heads/main")]);
  expect(calls).toEqual([]);
  expect((await send(`${REPO}/restore`, { kept: NAME, ref: REF })).status).toBe(303);
  expect(calls[0]).toEqual(["restore", 7, NAME, REF]);
});

test("what the API refuses is refused here, with its remedy, and nothing is refreshed", async () => {
  const { send, calls } = await start({}, { refusal: no });
  for (const [call, fields] of [
    ["allow", { ref: REF, wanted: WANTED }],
    ["restore", { kept: NAME }],
  ] as const) {
    const answer = await send(`${REPO}/${call}`, fields);
    const text = await answer.text();
    expect([answer.status, text.includes(no.detail), text.includes("→ Look again.")]).toEqual([
      ...[409, true, true],
    ]);
  }
  expect(calls.map(([call]) => call)).toEqual(["allow", "restore"]);
});

test.each([
  ["allow", {}, 400],
  ["allow", { ref: REF }, 400],
  ["allow", { ref: "main", wanted: WANTED }, 400],
  ["allow", { ref: REF, wanted: "12ab" }, 400],
  ["restore", {}, 400],
  ["restore", { kept: NAME, ref: "" }, 400],
] as [string, Record<string, string>, number][])(
  "%s with %j changes nothing",
  async (call, fields, status) => {
    const { send, post, calls } = await start();
    expect((await send(`${REPO}/${call}`, fields)).status).toBe(status);
    expect((await send(`/repos/acme/none/${call}`, fields)).status).toBe(404);
    expect((await post(`${REPO}/${call}`, fields)).status).toBe(401);
    expect(calls).toEqual([]);
  },
);

test.each([
  { state: "gone", pausedAt: null },
  { state: "paused", pausedAt: AT },
] as const)("nothing of it is offered, nor done, while the repository is $state", async (it) => {
  const { text, send, get, cookie, calls } = await start({ get: () => ({ ...SITE, ...it }) });
  expect(await text(REPO)).not.toMatch(/action="[^"]*\/(allow|restore)"/);
  expect((await get(RESTORE, cookie)).status).toBe(409);
  expect((await send(`${REPO}/allow`, { ref: REF, wanted: WANTED })).status).toBe(409);
  expect((await send(`${REPO}/restore`, { kept: NAME })).status).toBe(409);
  expect(calls).toEqual([]);
});

test("there is no confirmation page for an unknown kept tip", async () => {
  const { get, cookie } = await start();
  for (const path of [`${REPO}/restore`, `${REPO}/restore?kept=x`, "/repos/acme/none/restore"])
    expect((await get(path, cookie)).status, path).toBe(404);
});

function removal(repositories: string[]) {
  const heldRemoval = { repositories, heldAt: AT, confirm: "POST …" };
  const installation = { id: 3, login: "acme", state: "active", heldRemoval } as InstallationView;
  const calls: unknown[] = [];
  const ports: Partial<ApiPorts> = {
    installation: (id) => (id === 3 ? installation : null),
    installations: () => ({ installations: [installation], next: null, total: 1 }),
    confirmRemoval: (id) => {
      calls.push(id);
      return repositories.length;
    },
  };
  return { ports, calls, installation };
}

test("a held removal is confirmed after a page that lists all its repositories", async () => {
  const { ports, calls } = removal(["acme/web", "acme/app"]);
  const { text, send, post } = await start(ports);
  expect(await text("/server")).toContain(`<form method="get" action="${REMOVAL}">`);
  const look = await text(REMOVAL);
  expect(look).toMatch(/<li>acme\/app<\/li><li>acme\/web<\/li>/);
  expect((await post(REMOVAL, formOf(look, REMOVAL))).status).toBe(401);
  expect((await send(REMOVAL, {})).status).toBe(409);
  expect(calls).toEqual([]);
  const answer = await send(REMOVAL, formOf(look, REMOVAL));
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "/server"]);
  expect(calls).toEqual([3]);
});

test("a removal that has grown or ended since the page was opened is not confirmed", async () => {
  const { ports, calls, installation } = removal(["acme/web"]);
  const { text, send, get, cookie } = await start(ports);
  const form = formOf(await text(REMOVAL), REMOVAL);
  installation.heldRemoval!.repositories.push("acme/app");
  const grown = await send(REMOVAL, form);
  expect([grown.status, await grown.text()]).toEqual([409, expect.stringContaining("Review the list again")]);
  installation.heldRemoval = null;
  expect((await send(REMOVAL, form)).status).toBe(409);
  expect((await get(REMOVAL, cookie)).status).toBe(409);
  expect(await text("/server")).not.toContain(REMOVAL);
  for (const id of ["4", "x"])
    expect((await get(`/installations/${id}/confirm-removal`, cookie)).status, id).toBe(404);
  expect(calls).toEqual([]);
});
