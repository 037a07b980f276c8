import { createPage, type PageOptions } from "../../src/http/page/routes.js";
import { apiPorts, TOKEN } from "./api.js";
import { answerAll, listenUntilClosed } from "./listen.js";

/** The page on ports that record their calls, and a client that signs in as a form does. */
export async function startPage(options: Partial<PageOptions> = {}) {
  const calls: unknown[][] = [];
  const lines: object[] = [];
  const { url: base, close } = await listenUntilClosed(
    answerAll(
      createPage({
        ...{ apiToken: TOKEN, publicUrl: null, trustedProxies: ["127.0.0.1"], ports: apiPorts({}, calls) },
        ...{ log: { error: (fields: object) => void lines.push(fields) }, ...options },
      }),
    ),
  );
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(base + path, { headers, redirect: "manual" });
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(base + path, {
      ...{ method: "POST", body: new URLSearchParams(fields), redirect: "manual" },
      headers: { origin: base, ...headers },
    });
  const signIn = async (headers: Record<string, string> = {}) => {
    const answer = await post("/sign-in", { token: TOKEN }, headers);
    return { cookie: (answer.headers.get("set-cookie") ?? "").split(";")[0]! };
  };
  return { base, close, calls, lines, get, post, signIn };
}
