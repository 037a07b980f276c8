import nock from "nock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTokens } from "../../src/github/auth.js";
import { API, github, withNock } from "../support/github.js";

const MINUTE = 60_000;

withNock();
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const minting = () => nock(API).post("/app/installations/7/access_tokens");
const minted = (token: string, at: number) =>
  [
    201,
    { token, expires_at: new Date(at + 60 * MINUTE).toISOString() },
    { date: new Date(at).toUTCString() },
  ] as const;

test("a clock that is hours ahead or behind mints no token for each call, and one that is set neither", async () => {
  const gitHubsTime = Date.now();
  for (const aheadMs of [-3 * 60 * MINUTE, 3 * 60 * MINUTE]) {
    vi.setSystemTime(gitHubsTime + aheadMs);
    minting().reply(...minted("ghs_one", gitHubsTime));
    const api = github();
    expect(await api.token(7)).toBe("ghs_one");
    vi.setSystemTime(gitHubsTime + 24 * 60 * MINUTE);
    expect(await api.token(7)).toBe("ghs_one");
  }
});

test("a token is minted although GitHub refuses the local clock: the call is signed again by GitHub's", async () => {
  const message =
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  const gitHubsTime = Date.now() - 60 * MINUTE;
  const issued: number[] = [];
  const sees = (authorization: string) => {
    const claims = authorization.split(".")[1]!;
    issued.push(Number(JSON.parse(Buffer.from(claims, "base64url").toString()).iat) * 1_000);
    return true;
  };
  const date = new Date(gitHubsTime).toUTCString();
  minting().matchHeader("authorization", sees).reply(401, { message }, { date });
  minting()
    .matchHeader("authorization", sees)
    .reply(...minted("ghs_one", gitHubsTime));
  expect(await github().token(7)).toBe("ghs_one");
  expect(Math.abs(issued.at(-1)! - gitHubsTime)).toBeLessThan(2 * MINUTE);
});

test("a token is used for its life less five minutes, from before the question", async () => {
  let at = 0;
  let n = 0;
  const mint = async () => {
    at += 4_000;
    n += 1;
    return { token: `ghs_${n}`, lifeMs: 60 * MINUTE };
  };
  const tokens = createTokens(
    mint,
    () => {},
    () => at,
  );
  await tokens.token(7);
  at = 55 * MINUTE - 1;
  expect(await tokens.token(7)).toBe("ghs_1");
  at = 55 * MINUTE;
  expect(await tokens.token(7)).toBe("ghs_2");
});
