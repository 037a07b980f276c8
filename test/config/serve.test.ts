import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configOf } from "../support/config.js";
import { tempDir } from "../support/temp.js";

const of = (env: Record<string, string>) => configOf("/data", env).serve;

test("mirrors are not served unless there is a port", () => {
  expect(of({})).toBe(null);
  expect(of({ SERVE_PORT: "8443" })).toEqual({
    port: 8443,
    host: "127.0.0.1",
    tls: null,
    scheme: "http",
    cacheBytes: 10 * 2 ** 30,
  });
});

test("another address than this machine's own needs a certificate, or a proxy that has one", () => {
  const env = { SERVE_PORT: "8443", SERVE_HOST: "0.0.0.0" };
  expect(() => of(env)).toThrow(/SERVE_TLS_CERT: is missing.*SERVE_TLS=proxy/);
  expect(of({ ...env, SERVE_TLS: "proxy" })).toMatchObject({ host: "0.0.0.0", tls: null, scheme: "https" });
  const file = join(tempDir(), "cert.pem");
  const tls = { SERVE_TLS_CERT: file, SERVE_TLS_KEY: file };
  expect(() => of({ ...env, ...tls })).toThrow(/SERVE_TLS_KEY: cannot be read/);
  writeFileSync(file, "");
  expect(of({ ...env, ...tls })).toMatchObject({ tls: { cert: file, key: file }, scheme: "https" });
  expect(() => of({ ...env, SERVE_TLS_CERT: file })).toThrow(/SERVE_TLS_KEY: is missing/);
});

test("all of this machine's own addresses go without", () => {
  for (const host of ["localhost", "127.0.0.2", "::1"])
    expect(of({ SERVE_PORT: "8443", SERVE_HOST: host })).toMatchObject({ host });
});
