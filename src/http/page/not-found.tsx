import type { Context } from "hono";
import { Icon } from "./icon.js";
import { page } from "./layout.js";

/** An address may be of any length. */
const MAX_SHOWN = 200;
/** No entry of the navigation is active. */
const NOWHERE = "nowhere";

/** Says that nothing has the address, and leads back. @param isSignedIn whether the page has its navigation */
export function notFoundPage(context: Context, { isSignedIn }: { isSignedIn: boolean }) {
  const { pathname } = new URL(context.req.url);
  const shown = pathname.length > MAX_SHOWN ? `${pathname.slice(0, MAX_SHOWN)}…` : pathname;
  return page(
    context,
    { title: "Not found", status: 404, ...(isSignedIn && { here: NOWHERE }) },
    <section class="box empty">
      <Icon name="search" />
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code class="long">{shown}</code>.{" "}
        {!isSignedIn && "This is Lockstep, which keeps mirrors of repositories in step with GitHub."}
      </p>
      <a class="button" href="/">
        Go to the overview
      </a>
    </section>,
  );
}
