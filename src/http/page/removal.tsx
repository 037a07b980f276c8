import type { Context, Hono } from "hono";
import { counted } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { conflict } from "../lookup.js";
import { findHeld, type Held } from "../operate.js";
import type { InstallationView } from "../status-view.js";
import { Confirm } from "./confirm.js";
import { explain } from "./explain.js";
import { readForm } from "./form.js";
import { page } from "./layout.js";
import { markOf } from "./mark.js";
import { setNote } from "./note.js";
import { Notice } from "./notice.js";
import { Ago } from "./parts.js";

const PATH = "/installations/:id/confirm-removal";
const pathOf = ({ id }: { id: number }) => `/installations/${id}/confirm-removal`;
const nameOf = ({ id, login }: { id: number; login: string }) => login || `installation ${id}`;

/** Opens the confirmation page; changes nothing. */
export const RemovalButton = ({ installation }: { installation: Pick<InstallationView, "id" | "login"> }) => (
  <form method="get" action={pathOf(installation)}>
    <button type="submit" id={`confirm-removal-${installation.id}`}>
      Confirm removal… <span class="hidden">of {nameOf(installation)}</span>
    </button>
  </form>
);

/** More repositories may be held by the time that the button is pressed. */
const seenOf = ({ removal }: Held) => markOf(JSON.stringify(removal.repositories));

export function addRemovalActions(app: Hono, ports: ApiPorts): void {
  app.get(PATH, async (context) => {
    const held = await findHeld(context, ports);
    return held instanceof Response ? explain(context, "/server", held) : confirmPage(context, held);
  });
  app.post(PATH, async (context) => {
    const held = await findHeld(context, ports);
    if (held instanceof Response) return explain(context, "/server", held);
    const { seen } = await readForm(context);
    if (seen !== seenOf(held)) return explain(context, "/server", listChanged());
    const count = await ports.confirmRemoval(held.id);
    setNote(context, `Confirmed: ${count} repositories are gone; their mirrors are kept for RETIRE_AFTER`);
    return context.redirect("/server", 303);
  });
}

const listChanged = () =>
  conflict(
    "moved_on",
    "the list of held repositories has changed since you opened this page",
    "review the list again under Server, Confirm removal…",
  );

function confirmPage(context: Context, held: Held) {
  const { repositories, heldAt } = held.removal;
  const title = `Confirm the removal of repositories of ${nameOf(held)}`;
  const names = [...repositories].sort();
  return page(
    context,
    { title, here: "/server" },
    <>
      <h1>{title}</h1>
      <Notice mood="bad">
        GitHub no longer shows {counted(names.length, "repository", "repositories")} of {nameOf(held)} (
        <Ago at={heldAt} />
        ). Confirm only if this was intended: Lockstep then marks the repositories gone and deletes their
        mirrors after RETIRE_AFTER.
      </Notice>
      <p>Was it a mistake? Restore the App's access: the hold then ends by itself, and nothing is lost.</p>
      <Confirm path={pathOf(held)} sends={{ seen: seenOf(held) }} button="Confirm removal" back="/server" />
      <h2>What will be removed</h2>
      <ul>
        {names.map((name) => (
          <li>{name}</li>
        ))}
      </ul>
    </>,
  );
}
