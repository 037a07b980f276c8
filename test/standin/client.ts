import { createSign } from "node:crypto";
import { onTestFinished } from "vitest";
import { Git, hermeticEnv } from "../../tools/standin/git.js";
import { type Installation, type StandIn, startStandIn } from "../../tools/standin/index.js";

export interface Told {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what an API tells is for each test to check.
  body: any;
}

/** A stand-in that goes with the test. */
export async function github(): Promise<StandIn> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  return standin;
}

/** A GET with the App's own token. A path, or a whole address such as GitHub gives to go on. */
export const asApp = (standin: StandIn, path: string): Promise<Told> =>
  get(standin, path, `Bearer ${appToken(standin)}`);

/** A GET as an installation. */
export const asInstallation = (standin: StandIn, installation: Installation, path: string): Promise<Told> =>
  get(standin, path, `token ${standin.token(installation)}`);

export async function get(standin: StandIn, path: string, authorization: string): Promise<Told> {
  const url = new URL(path.startsWith("/") ? `/api/v3${path}` : path, standin.url);
  const answer = await fetch(url, { headers: { authorization }, redirect: "manual" });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** The address of the next page. */
export const nextOf = ({ headers }: Told): string | undefined =>
  /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1];

/** Real git over HTTP, with an installation's token. @returns the refs and their tips */
export async function lsRemote(
  standin: StandIn,
  installation: Installation,
  fullName: string,
  ...patterns: string[]
): Promise<Record<string, string>> {
  const key = Buffer.from(`x-access-token:${standin.token(installation)}`).toString("base64");
  const url = `${standin.url}/${fullName}.git`;
  const args = ["-c", `http.extraHeader=Authorization: basic ${key}`, "ls-remote", url, ...patterns];
  const { stdout } = await new Git().run("/", args, { env: hermeticEnv() });
  const lines = stdout.trim().split("\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split("\t").reverse() as [string, string]));
}

function appToken({ appId, privateKey }: StandIn): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iss: appId, iat: now - 30, exp: now + 300 })}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
}
