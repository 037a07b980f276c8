import { createHmac, timingSafeEqual } from "node:crypto";

/** The check of one body's signature, which sees the body piece by piece and needs no copy of it. */
export interface SignatureCheck {
  update(bytes: Buffer): void;
  /** Whether one of the secrets signed the bytes so far; called once. An empty body is never signed. */
  matches(): boolean;
}

/**
 * HMAC-SHA-256 over the bytes, as GitHub documents it:
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * @returns the signature, as X-Hub-Signature-256 has it → its check
 */
export function createVerifier(secrets: readonly string[]): (signature: string) => SignatureCheck {
  return (signature) => {
    const hmacs = secrets.map((secret) => createHmac("sha256", secret));
    let bytes = 0;
    return {
      update(chunk) {
        bytes += chunk.length;
        for (const hmac of hmacs) hmac.update(chunk);
      },
      matches: () => bytes > 0 && hmacs.some((hmac) => isEqual(signature, `sha256=${hmac.digest("hex")}`)),
    };
  };
}

/** The time taken says nothing about where the texts differ. */
function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
