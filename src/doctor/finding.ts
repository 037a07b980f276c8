import type { RefreshError } from "../base/errors.js";

/** What a check-up found, and, unless it is well, what to do. */
export interface Finding {
  about: string;
  level: "ok" | "warn" | "fail";
  detail: string;
  remedy?: string;
}

export const ok = (about: string, detail: string): Finding => ({ about, level: "ok", detail });

export const warn = (about: string, detail: string, remedy: string): Finding => ({
  about,
  level: "warn",
  detail,
  remedy,
});

export const fail = (about: string, detail: string, remedy: string): Finding => ({
  about,
  level: "fail",
  detail,
  remedy,
});

export const failed = (about: string, error: RefreshError): Finding => fail(about, error.message, error.hint);
