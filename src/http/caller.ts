import type { Context, MiddlewareHandler } from "hono";
import type { Caller, Sees, TokenScope } from "../base/access.js";
import { fullName } from "../base/names.js";
import { problem, unauthorized } from "./problem.js";

/** Who may call a route. */
export interface Access {
  /** The scope that a token needs; `API_TOKEN`: no other token will do. */
  needs: TokenScope | "API_TOKEN";
  /** Whether the answer is about more than single repositories, so that no token limited to some gets it. */
  isOfWhole: boolean;
}

const KEY = "caller";

export const setCaller = (context: Context, caller: Caller): void => context.set(KEY, caller);

/** Returns whoever sends the request, as the first middleware has judged. */
export const callerOf = (context: Context): Caller => context.get(KEY) as Caller;

/** Whether the caller may know of the repository. */
export function canSee(context: Context, repository: { owner: string; name: string }): boolean {
  const { sees } = callerOf(context);
  return sees === null || sees(fullName(repository));
}

/** Returns the part of a query that leaves out what the caller may not see; empty: the caller sees everything. */
export function sightOf(context: Context): { sees?: Sees } {
  const { sees } = callerOf(context);
  return sees === null ? {} : { sees };
}

/** Refuses a caller whose token lacks a right. A read is answered only if the token is valid to its end. */
export function allowOnly({ needs, isOfWhole }: Access): MiddlewareHandler {
  return async (context, next) => {
    const caller = callerOf(context);
    if (!caller.isOperator) {
      if (needs === "API_TOKEN") return onlyApiToken();
      if (!caller.scopes.includes(needs)) return lacksScope(needs);
      if (isOfWhole && caller.sees !== null) return isLimited();
    }
    await next();
    // Its action is done; its answer tells no more than the request.
    if (needs === "read" && !caller.isValid()) context.res = unauthorized();
  };
}

const forbidden = (reason: string, detail: string, remedy: string) =>
  problem({
    status: 403,
    reason,
    detail,
    remedy,
    // https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    headers: { "www-authenticate": 'Bearer error="insufficient_scope"' },
  });

const onlyApiToken = () =>
  forbidden("only_api_token", "the call is for API_TOKEN alone", "send the value of API_TOKEN");

const lacksScope = (scope: TokenScope) =>
  forbidden(
    "missing_scope",
    `the token lacks the scope ${scope}`,
    `make a token with: lockstep tokens add NAME --scope ${scope}`,
  );

const isLimited = () =>
  forbidden(
    "limited_token",
    "the token is limited to some repositories, and this is about all of them",
    "use a token without --repositories",
  );
