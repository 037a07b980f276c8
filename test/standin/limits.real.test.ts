import { expect, test } from "vitest";
import { asApp, asInstallation, get, github, type Told } from "./client.js";

const told = ({ headers }: Told, name: string): number => Number(headers.get(`x-ratelimit-${name}`));

test("each kind of token has its own limit, told with every answer", async () => {
  const standin = await github();
  const [acme, globex] = [standin.createInstallation("acme"), standin.createInstallation("globex")];
  standin.limits.installation = 2;
  const path = "/installation/repositories";
  const first = await asInstallation(standin, acme, path);
  expect([told(first, "limit"), told(first, "remaining"), told(first, "used")]).toEqual([2, 1, 1]);
  expect(first.headers.get("x-ratelimit-resource")).toBe("core");
  expect(told(first, "reset") * 1000).toBeGreaterThan(Date.now() + 3_500_000);
  expect((await asInstallation(standin, acme, "/no/such/path")).status).toBe(404);

  const refused = await asInstallation(standin, acme, path);
  expect(refused).toMatchObject({
    status: 403,
    body: { message: `API rate limit exceeded for installation ID ${acme.id}.` },
  });
  expect([told(refused, "remaining"), told(refused, "used")]).toEqual([0, 2]);
  expect((await asInstallation(standin, globex, path)).status).toBe(200);
  const app = await asApp(standin, "/app");
  expect([app.status, told(app, "limit"), told(app, "remaining")]).toEqual([200, 5000, 4999]);
  standin.limits.reset();
  expect((await asInstallation(standin, acme, path)).status).toBe(200);
});

test("a used-up limit starts again at its reset", async () => {
  const standin = await github();
  standin.limits.app = 1;
  standin.limits.windowMs = 1_000;
  const first = await asApp(standin, "/app");
  expect((await asApp(standin, "/app")).status).toBe(403);
  await expect.poll(async () => (await asApp(standin, "/app")).status).toBe(200);
  expect(Date.now()).toBeGreaterThanOrEqual(told(first, "reset") * 1000);
});

test("a wrong token is refused with 401, however often", async () => {
  const standin = await github();
  standin.limits.anonymous = 1;
  for (const _ of [1, 2, 3]) {
    const answer = await get(standin, "/installation/repositories", "token wrong");
    expect([answer.status, told(answer, "limit"), told(answer, "remaining")]).toEqual([401, 1, 0]);
  }
});

test("a token is refused once the App is suspended or uninstalled", async () => {
  const standin = await github();
  const acme = standin.createInstallation("acme");
  const token = `token ${standin.token(acme)}`;
  const status = async () => (await get(standin, "/installation/repositories", token)).status;
  expect(await status()).toBe(200);
  standin.suspendInstallation(acme);
  expect(await status()).toBe(401);
  standin.suspendInstallation(acme, false);
  standin.removeInstallation(acme);
  expect(await status()).toBe(401);
});

test("a secondary limit refuses so many requests and says when to come back", async () => {
  const standin = await github();
  standin.faults.secondaryLimit(7, 2);
  for (const _ of [1, 2]) {
    const refused = await asApp(standin, "/app");
    expect(refused.status).toBe(403);
    expect(refused.headers.get("retry-after")).toBe("7");
    expect(refused.body.message).toMatch(/^You have exceeded a secondary rate limit\./);
    expect(told(refused, "remaining")).toBeGreaterThan(4000);
  }
  expect((await asApp(standin, "/app")).status).toBe(200);
});
