import { RefreshError } from "../base/errors.js";

type Fetch = typeof globalThis.fetch;

/**
 * Refuses a success that is not JSON, such as the sign-in page of a network or a proxy: Octokit would hand out its text
 * as if it were what was asked for.
 */
export const requireJson =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const answer = await fetch(input, init);
    const type = answer.headers.get("content-type");
    if (!answer.ok || type === null || /[/+]json\b/i.test(type)) return answer;
    await answer.body?.cancel();
    const [shown = "something"] = /^[\w.+-]+\/[\w.+-]+/.exec(type.slice(0, 60)) ?? [];
    throw new RefreshError(
      "upstream_error",
      `GitHub's API answered ${answer.status} with ${shown}, not with JSON`,
    );
  };
