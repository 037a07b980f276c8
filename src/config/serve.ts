import { constants } from "node:fs";
import { isIP } from "node:net";
import type { z } from "zod";
import { type Environment, fault, isUsable } from "./faults.js";
import type { VARIABLES } from "./variables.js";

/** Where mirrors are served to other machines. */
export interface Serve {
  readonly port: number;
  readonly host: string;
  /** The paths of two PEM files; null: a proxy ends TLS, or readers are on this machine. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** How readers reach this server, also where a proxy in front ends TLS. */
  readonly scheme: "http" | "https";
  /** What files with answers for several readers may hold, in bytes; 0: there are none. */
  readonly cacheBytes: number;
}

type Values = Partial<z.output<typeof VARIABLES>>;

const LOOPBACK = "127.0.0.1";

/** @returns null: mirrors are not served */
export function serveOf(values: Values): Serve | null {
  const { SERVE_PORT, SERVE_HOST, SERVE_TLS, SERVE_TLS_CERT, SERVE_TLS_KEY, SERVE_CACHE } = values;
  if (SERVE_PORT === undefined) return null;
  const tls = SERVE_TLS_CERT && SERVE_TLS_KEY ? { cert: SERVE_TLS_CERT, key: SERVE_TLS_KEY } : null;
  return {
    port: SERVE_PORT,
    host: SERVE_HOST ?? LOOPBACK,
    tls,
    scheme: tls || SERVE_TLS === "proxy" ? "https" : "http",
    cacheBytes: SERVE_CACHE ?? 10 * 2 ** 30,
  };
}

/** Credentials must not cross a network in the clear because somebody forgot a certificate. */
export function serveFaults(env: Environment): string[] {
  const { SERVE_HOST: host = LOOPBACK, SERVE_TLS_CERT: cert, SERVE_TLS_KEY: key, SERVE_TLS } = env;
  if (cert && !key) return [fault("SERVE_TLS_KEY", "is missing", env)];
  if (key && !cert) return [fault("SERVE_TLS_CERT", "is missing", env)];
  const unreadable = (["SERVE_TLS_CERT", "SERVE_TLS_KEY"] as const).filter(
    (name) => env[name]?.startsWith("/") && !isUsable(env[name], "file", constants.R_OK),
  );
  if (unreadable.length > 0) return unreadable.map((name) => fault(name, "cannot be read", env));
  if (isLoopback(host) || cert || SERVE_TLS === "proxy") return [];
  return [fault("SERVE_TLS_CERT", "is missing, and SERVE_HOST is reached from other machines", env)];
}

/** Whether an address or host name is certainly this machine's own. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
