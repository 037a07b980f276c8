import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * @param token null: nothing is right.
 * @returns whether an Authorization header carries the token; the time it takes tells nothing of
 * it, its length included.
 */
export function bearerCheck(token: string | null): (authorization: string | undefined) => boolean {
  const expected = token === null ? null : digest(token);
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    return expected !== null && given !== undefined && timingSafeEqual(digest(given), expected);
  };
}
