import { Hono } from "hono";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { createSessions, ownSessions } from "../../../src/http/page/session.js";
import { hideCredentials } from "../../../src/http/privacy.js";
import { TOKEN } from "../../support/api.js";
import { startPage } from "../../support/page.js";

const PAGES = [
  "/",
  "/deliveries",
  "/readers",
  "/server",
  "/audit",
  "/repos/acme/site",
  "/live",
  "/repos/acme/none",
];

describe("the page's door", () => {
  it("is not served without a token in the configuration, and does not answer other paths", async () => {
    const closed = await startPage({ apiToken: null });
    for (const path of [...PAGES, "/sign-in"]) expect(await (await closed.get(path)).text(), path).toBe("");
    const { get } = await startPage();
    for (const path of ["/probot", "/ping", "/api/v1/repos", "/repos", "/sign-in/x"])
      expect([(await get(path)).status, await (await get(path)).text()], path).toEqual([404, ""]);
  });

  it("shows only the form without a session, whatever else is sent", async () => {
    const { get, calls } = await startPage();
    const headers = { authorization: `Bearer ${TOKEN}`, cookie: `lockstep=${TOKEN}` };
    for (const path of PAGES) {
      const answer = await get(path, headers);
      expect(answer.status, path).toBe(401);
      expect(await answer.text()).toMatch(/<h1>Sign in<\/h1>/);
    }
    expect(calls).toEqual([]);
  });

  it("takes the window from another site that opened it, at the form; what a session opens begins in the same process", async () => {
    const { get, signIn } = await startPage();
    const policy = "cross-origin-opener-policy";
    for (const path of PAGES) expect((await get(path)).headers.get(policy), path).toBe("same-origin");
    const cookie = await signIn();
    for (const path of ["/", "/repositories", "/deliveries", "/repos/acme/none"]) {
      const { headers } = await get(path, cookie);
      expect(headers.get(policy), path).toBe(null);
      expect(headers.get("content-security-policy"), path).toContain("frame-ancestors 'none'");
    }
  });

  it("opens for the token, with a cookie that no script and no other site gets", async () => {
    const { post, get } = await startPage();
    const answer = await post("/sign-in", { token: ` ${TOKEN}\n`, next: "/server?x=1" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/server?x=1"]);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^lockstep=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN);
    expect((await get("/", { cookie: cookie.split(";")[0]! })).status).toBe(200);
    const https = await post("/sign-in", { token: TOKEN }, { "x-forwarded-proto": "https" });
    expect(https.headers.get("set-cookie")).toMatch(/; Secure/);
  });

  it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", ""])(
    "never redirects to %j",
    async (next) => {
      const { post } = await startPage();
      expect((await post("/sign-in", { token: TOKEN, next })).headers.get("location")).toBe("/");
    },
  );

  it("refuses a wrong token and says so, without repeating it", async () => {
    const { post, get } = await startPage();
    for (const token of ["", "wrong-token", `${TOKEN}x`]) {
      const answer = await post("/sign-in", { token });
      const text = await answer.text();
      expect([answer.status, answer.headers.get("set-cookie")]).toEqual([401, null]);
      expect(text).toContain('role="alert"');
      if (token) expect(text).not.toContain(token);
    }
    expect((await get("/sign-in")).status).toBe(401);
  });

  it("accepts ten wrong tokens in five minutes from an address, and always the right one", async () => {
    const { post } = await startPage();
    const from = (address: string) => ({ "x-forwarded-for": address });
    const attempt = async (token: string, address: string) =>
      (await post("/sign-in", { token }, from(address))).status;
    for (let n = 0; n < 10; n++) expect(await attempt("wrong", "192.0.2.1")).toBe(401);
    const refused = await post("/sign-in", { token: "wrong" }, from("192.0.2.1"));
    expect([refused.status, Number(refused.headers.get("retry-after")) > 200]).toEqual([429, true]);
    expect(await attempt(TOKEN, "192.0.2.1")).toBe(303);
    expect(await attempt(TOKEN, "192.0.2.2")).toBe(303);
    for (let n = 0; n < 9; n++) await attempt("wrong", "192.0.2.2");
    expect(await attempt(TOKEN, "192.0.2.2")).toBe(303);
    for (let n = 0; n < 10; n++) expect(await attempt("wrong", "192.0.2.2")).toBe(401);
  });

  it("accepts posts from its own origin only", async () => {
    const { post, signIn, base, calls } = await startPage({ publicUrl: "https://lockstep.example" });
    const cookie = await signIn();
    const refresh = (origin: string) => post("/repos/acme/site/refresh", {}, { ...cookie, origin });
    for (const origin of ["https://evil.example", "null", "", `${base}.evil.example`])
      expect((await refresh(origin)).status, origin).toBe(403);
    expect((await post("/sign-in", { token: TOKEN }, { origin: "https://evil.example" })).status).toBe(403);
    const bare = await fetch(`${base}/repos/acme/site/refresh`, { method: "POST", headers: cookie });
    expect(bare.status).toBe(403);
    expect(calls).toEqual([]);
    expect((await refresh(base)).status).toBe(303);
    expect((await refresh("https://lockstep.example")).status).toBe(303);
    expect(calls).toEqual([
      ["refresh", 7],
      ["refresh", 7],
    ]);
  });

  it("ends a session for good on sign-out", async () => {
    const { get, post, signIn } = await startPage();
    const [one, other] = [await signIn(), await signIn()];
    const answer = await post("/sign-out", {}, one);
    expect(answer.headers.get("set-cookie")).toMatch(/^lockstep=; Max-Age=0;/);
    expect([(await get("/", one)).status, (await get("/", other)).status]).toEqual([401, 200]);
  });

  it("rejects a cookie that was changed, has expired or is another process's", async () => {
    const clock = { now: 1_000 };
    const app = new Hono();
    const sessions = createSessions(
      TOKEN,
      ownSessions(() => clock.now),
    );
    app.get("/in", async (context) => {
      await sessions.begin(context);
      return context.text("");
    });
    app.get("/open", async (context) => context.text(String(await sessions.isOpen(context))));
    const cookie = (await app.request("/in")).headers.get("set-cookie")!.split(";")[0]!;
    const isOpen = async (value: string) =>
      (await app.request("/open", { headers: { cookie: value } })).text();
    expect(await isOpen(cookie)).toBe("true");
    const later = decodeURIComponent(cookie).replace(/\.(\d+)\./, (_, at) => `.${Number(at) + 1}.`);
    expect(await isOpen(later.replaceAll("+", "%2B"))).toBe("false");
    expect(await isOpen("lockstep=.99999999999999")).toBe("false");
    clock.now += 12 * 3_600_000;
    expect(await isOpen(cookie)).toBe("false");
    const { get } = await startPage();
    expect((await get("/", await (await startPage()).signIn())).status).toBe(401);
  });
});

test("a session opens where no logger is given the cookies of a request", async () => {
  onTestFinished(hideCredentials());
  const { get, signIn } = await startPage();
  const page = await get("/", await signIn());
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("Sign out")]);
});
