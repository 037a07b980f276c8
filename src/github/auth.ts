import type { Octokit, RestEndpointMethodTypes } from "@octokit/rest";
import { monotonicMs } from "../base/clock.js";
import { callRest } from "./rest.js";

/** A token is renewed this long before GitHub's expiry. */
const MARGIN_MS = 5 * 60_000;
/** https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app */
const LIFE_MS = 3_600_000;

export interface Tokens {
  /**
   * Returns the installation's token, with contents and metadata: read. Concurrent callers share one request.
   * @param fresh GitHub refused the current token
   */
  token(installationId: number, fresh?: boolean): Promise<string>;
  /**
   * Returns another token than the one that GitHub refused; a new one is minted unless another caller has
   * done so.
   */
  tokenInstead(installationId: number, refused: string): Promise<string>;
}

export interface Minted {
  token: string;
  /** How long GitHub accepts the token from its answer on, in milliseconds, by GitHub's own clock. */
  lifeMs: number;
}

interface Held {
  token: string;
  /** Until when the token is used, by the monotonic clock. */
  usableUntil: number;
}

/** What a token may do, by GitHub's names. */
export type TokenPermissions =
  RestEndpointMethodTypes["apps"]["createInstallationAccessToken"]["parameters"]["permissions"];

/** What git and nearly every call need. */
const USUAL: TokenPermissions = { contents: "read", metadata: "read" };

/**
 * Asks GitHub for a token. The App's client signs the call once more, by the Date of GitHub's answer, when GitHub
 * refuses the local clock: https://github.com/octokit/auth-app.js. @throws RefreshError
 */
export async function mintToken(app: Octokit, installationId: number, permissions = USUAL): Promise<Minted> {
  const { data, headers } = await callRest(() =>
    app.rest.apps.createInstallationAccessToken({
      installation_id: installationId,
      ...(permissions && { permissions }),
    }),
  );
  const lifeMs = Date.parse(data.expires_at) - Date.parse(headers.date ?? "");
  return { token: data.token, lifeMs: lifeMs > 0 ? Math.min(lifeMs, LIFE_MS) : LIFE_MS };
}

/**
 * Tokens are kept in memory only. A token's life is counted by the monotonic clock from before the request, so neither
 * a wrong local clock nor one that is set renews a token late.
 */
export function createTokens(
  mint: (installationId: number) => Promise<Minted>,
  onMint: () => void = () => {},
  clock: () => number = monotonicMs,
): Tokens {
  const tokens = new Map<number, Held>();
  const minting = new Map<number, Promise<Held>>();

  async function renew(installationId: number): Promise<Held> {
    onMint();
    const askedAt = clock();
    const minted = await mint(installationId).catch((error: unknown) => {
      tokens.delete(installationId);
      throw error;
    });
    const fresh = { token: minted.token, usableUntil: askedAt + minted.lifeMs - MARGIN_MS };
    tokens.set(installationId, fresh);
    return fresh;
  }

  async function token(installationId: number, fresh = false): Promise<string> {
    const known = tokens.get(installationId);
    if (known && known.usableUntil > clock() && !fresh) return known.token;
    let pending = minting.get(installationId);
    if (!pending) {
      pending = renew(installationId).finally(() => minting.delete(installationId));
      minting.set(installationId, pending);
    }
    return (await pending).token;
  }

  return {
    token,
    tokenInstead: (installationId, refused) =>
      token(installationId, tokens.get(installationId)?.token === refused),
  };
}
