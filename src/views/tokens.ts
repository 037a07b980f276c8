import type { AccessTokens, Token } from "../access/tokens.js";
import { iso } from "../base/units.js";
import type { TokenPorts, TokenView } from "../http/tokens.js";

interface Ports {
  tokens: AccessTokens;
  /** The clock that tokens expire by, in milliseconds since 1970. */
  latestNow(): number;
}

/** Shows tokens to the operator, and makes them. */
export function createTokenViews({ tokens, latestNow }: Ports): TokenPorts {
  const view = (token: Token): TokenView => ({
    ...token,
    createdAt: iso(token.createdAt),
    expiresAt: iso(token.expiresAt),
    lastUsedAt: iso(token.lastUsedAt),
    expired: token.expiresAt <= latestNow(),
  });
  return {
    add({ lifeMs, ...wanted }) {
      const made = tokens.add({ ...wanted, expiresAt: latestNow() + lifeMs });
      return typeof made === "string" ? made : { token: view(made.token), secret: made.secret };
    },
    all: () => tokens.all().map(view),
    revoke: tokens.revoke,
  };
}
