import type { RefreshError } from "../base/errors.js";

/** A finding of the check-up, and the remedy unless all is well. */
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
