import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  key: Buffer;
  cert: Buffer;
  /** The certificate is its own authority; a client that trusts this file trusts the server. */
  caFile: string;
}

// openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1
//   -addext subjectAltName=IP:127.0.0.1
export async function makeCertificate(dir: string): Promise<Certificate> {
  const keyFile = join(dir, "key.pem");
  const caFile = join(dir, "cert.pem");
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", keyFile, "-out", caFile];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...files, ...names];
  await promisify(execFile)("openssl", args);
  return { key: await readFile(keyFile), cert: await readFile(caFile), caFile };
}
