/** What an attacker may know and use, and what Lockstep must not tell him. */
export interface Target {
  port: number;
  secret: string;
  token: string;
  /** The cookie of an open session of the page. */
  cookie: string;
  /** Payloads of pushes that really happened, by repository. */
  genuine: { live: Json };
  /** Payloads that would change something, if an unsigned one was believed: each with its event. */
  baits: { event: string; payload: Json }[];
  /** GitHub's example payloads. */
  examples: { name: string; examples: Json[] }[];
  serving: {
    port: number;
    /** A token that may read the live repository. */
    token: string;
    /** Commits of the live repository. */
    tips: string[];
    /** Secrets, and tips of repositories that the token does not open. */
    hidden: string[];
  };
  /** Texts that no answer to an unverified request may have. */
  confidential: string[];
}

export type Json = Record<string, unknown>;

export const HOOK = "/api/github/webhooks";
/** The repositories of the world. Pushes of the live one arrive; nothing may change the others. */
export const OWNER = "acme";
export const LIVE = "live";
export const TRAPS = ["quiet", "paused", "held"] as const;
