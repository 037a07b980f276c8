import type { Context, Hono } from "hono";
import { createAttempts } from "../attempts.js";
import { isLocalPath } from "./actions.js";
import { readForm } from "./form.js";
import { message, page } from "./layout.js";
import { Notice } from "./notice.js";
import type { Sessions } from "./session.js";

const ATTEMPTS = 10;

interface Door {
  sessions: Sessions;
  isToken(text: string): boolean;
  addressOf(context: Context): string;
}

/**
 * The token opens a session. After too many wrong tokens an address gets no form, and the right token still opens a
 * session: all clients of a proxy that TRUSTED_PROXIES lacks share one address.
 */
export function addSignIn(app: Hono, { sessions, isToken, addressOf }: Door): void {
  const attempts = createAttempts(ATTEMPTS);

  app.post("/sign-in", async (context) => {
    const address = addressOf(context);
    const { token, next } = await readForm(context);
    const target = typeof next === "string" && isLocalPath(next) ? next : "/";
    if (typeof token === "string" && isToken(token.trim())) {
      await attempts.clear(address);
      await sessions.begin(context);
      return context.redirect(target, 303);
    }
    const wait = await attempts.take(address);
    return wait === 0 ? signInForm(context, target, { wasWrong: true }) : tooManyAttempts(context, wait);
  });
  app.post("/sign-out", async (context) => {
    await sessions.end(context);
    return context.redirect("/", 303);
  });
}

function tooManyAttempts(context: Context, seconds: number) {
  const headers = { "retry-after": String(seconds) };
  const frame = { title: "Too many attempts", status: 429, headers } as const;
  return message(context, frame, "Too many wrong tokens.", `try again in ${seconds} seconds`);
}

/** @param next the path to open after signing in */
export const signInForm = (context: Context, next: string, { wasWrong = false } = {}) =>
  page(
    context,
    { title: "Sign in", status: 401 },
    <div class="narrow">
      <h1>Sign in</h1>
      <form class="sign-in box" method="post" action="/sign-in">
        {wasWrong && (
          <Notice mood="bad" id="wrong" role="alert">
            Wrong token. → Use the value of API_TOKEN on the server.
          </Notice>
        )}
        <input type="hidden" name="next" value={next} />
        <label for="token">API token</label>
        <input
          id="token"
          type="password"
          name="token"
          required
          autofocus
          autocomplete="current-password"
          aria-describedby={wasWrong ? "wrong" : undefined}
        />
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </div>,
  );
