import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { getPrivateKey } from "@probot/get-private-key";
import { type Environment, fault } from "./faults.js";

/** Reads the App's key from PRIVATE_KEY_PATH, PRIVATE_KEY, or the only *.pem file here, as Probot does. */
export function readPrivateKey(env: Environment): { pem: string } | { fault: string } {
  const name = env.PRIVATE_KEY_PATH ? "PRIVATE_KEY_PATH" : "PRIVATE_KEY";
  try {
    const text = keyText(env);
    if (!text) return { fault: fault(name, "is missing", env) };
    const pem = toPem(text);
    if (pem === null) return { fault: fault(name, faultOf(name, text), env) };
    const isRsa = createPrivateKey(pem).asymmetricKeyType === "rsa";
    return isRsa ? { pem } : { fault: fault(name, "is not an RSA key", env) };
  } catch {
    // The cause is left out, because the cause may quote the key.
    return { fault: fault(name, UNREADABLE[name], env) };
  }
}

const UNREADABLE = {
  PRIVATE_KEY_PATH: "is not the path of a readable PEM key",
  PRIVATE_KEY: "is not a readable PEM key",
};

function keyText({ PRIVATE_KEY_PATH: path, PRIVATE_KEY: text }: Environment): string | null {
  return path ? readFileSync(path, "utf8") : text || getPrivateKey({ env: {} });
}

const PEM = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z\d+/=\s]+)-----END \1-----/;

/**
 * Returns the key in PEM with line breaks, whatever was pasted: PEM with real breaks (also CRLF and indented), with
 * `\n` or spaces for breaks, within quotes, or base64 of the file on one or several lines. Null: none of these.
 */
function toPem(pasted: string): string | null {
  const text = pasted.replace(/\\r|\\n/g, "\n");
  const [, kind, body] = PEM.exec(text) ?? PEM.exec(fromBase64(text)) ?? [];
  if (!kind || !body) return null;
  const lines = body.replace(/\s/g, "").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ""].join("\n");
}

function fromBase64(text: string): string {
  const bare = text.replace(/[\s"'\ufeff]/g, "");
  return /^[A-Za-z\d+/]+=*$/.test(bare) ? Buffer.from(bare, "base64").toString() : "";
}

/** Says what was pasted instead of a key, without a part of it. */
function faultOf(name: keyof typeof UNREADABLE, text: string): string {
  if (/ENCRYPTED/.test(text)) return "is encrypted with a passphrase";
  if (/-----BEGIN (RSA )?PUBLIC KEY|-----BEGIN CERTIFICATE/.test(text)) return "is not the private key";
  if (/-----BEGIN/.test(text) && !/-----END/.test(text))
    return "has no END line, so only a part of the key arrived: write \\n for its line breaks";
  if (name === "PRIVATE_KEY" && /^[\w./~-]+\.pem\s*$/.test(text)) return "is a path: use PRIVATE_KEY_PATH";
  return UNREADABLE[name];
}
