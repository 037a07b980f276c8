import { RefreshError } from "../../../base/errors.js";

/** Refused, an object is missing: what the same answer means of the repository itself it does not mean here. */
export function missingIfRefused(error: RefreshError, what: string): RefreshError {
  if (!error.is("notVisible") && error.code !== "unauthorized") return error;
  return new RefreshError("lfs_missing", `${what}: ${error.message}`, { cause: error });
}
