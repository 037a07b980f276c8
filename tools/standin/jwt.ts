import { type KeyObject, verify } from "node:crypto";

/** GitHub allows clocks to differ by a minute, and tokens to live ten. */
const SKEW_S = 60;
const LIFETIME_S = 600;

/** @returns why the App's JSON Web Token is not valid, or null when it is. */
export function jwtFault(token: string, key: KeyObject, appId: number): string | null {
  const [header, payload, signature] = token.split(".");
  if (!header || !payload || !signature) return "A JSON web token could not be decoded";
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64url")))
    return "A JSON web token could not be decoded";
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
  const now = Date.now() / 1000;
  if (String(claims.iss) !== String(appId)) return "'Issuer' claim ('iss') must be an Integer";
  if (Number(claims.iat) > now + SKEW_S)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  const exp = Number(claims.exp);
  if (!(exp > now))
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  if (exp > now + LIFETIME_S + SKEW_S) return "'Expiration time' claim ('exp') is too far in the future";
  return null;
}
