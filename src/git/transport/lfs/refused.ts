import { RefreshError } from "../../../base/errors.js";

/** Turns a refusal into `lfs_missing`: the same answer about a repository would mean something else. */
export function missingIfRefused(error: RefreshError, what: string): RefreshError {
  if (!error.is("notVisible") && error.code !== "unauthorized") return error;
  return new RefreshError("lfs_missing", `${what}: ${error.message}`, { cause: error });
}
