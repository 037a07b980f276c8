import type { createAppAuth } from "@octokit/auth-app";

/** A token is renewed this long before GitHub's expiry (one hour after minting). */
const MARGIN_MS = 5 * 60_000;

export type AppAuth = ReturnType<typeof createAppAuth>;

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

interface Held {
  token: string;
  expiresAt: number;
}

/** Tokens are kept in memory only. */
export function createTokens(
  auth: AppAuth,
  onError: (error: unknown) => Error,
  onMint: () => void = () => {},
  now = Date.now,
): Tokens {
  const tokens = new Map<number, Held>();
  const minting = new Map<number, Promise<Held>>();

  async function mint(installationId: number): Promise<Held> {
    onMint();
    const answer = await auth({
      type: "installation",
      installationId,
      permissions: { contents: "read", metadata: "read" },
      refresh: true,
    }).catch((error: unknown) => {
      tokens.delete(installationId);
      throw onError(error);
    });
    const fresh = { token: answer.token, expiresAt: Date.parse(answer.expiresAt) };
    tokens.set(installationId, fresh);
    return fresh;
  }

  async function token(installationId: number, fresh = false): Promise<string> {
    const known = tokens.get(installationId);
    const usable = known && known.expiresAt - MARGIN_MS > now();
    if (usable && !fresh) return known.token;
    let pending = minting.get(installationId);
    if (!pending) {
      pending = mint(installationId).finally(() => minting.delete(installationId));
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
