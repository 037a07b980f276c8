import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * @param token null: nothing is right.
 * @returns whether an Authorization header carries the token; the time it takes tells nothing of
 * it, its length included.
 */
export function bearerCheck(token: string | null): (authorization: string | undefined) => boolean {
  const isToken = token === null ? () => false : tokenCheck(token);
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && isToken(given);
  };
}

export function tokenCheck(token: string): (given: string) => boolean {
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}
