import type { Hono } from "hono";
import { isOwner, isRepositoryName } from "../../base/names.js";
import { counted, countedRepositories } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { noteDetail } from "../audit.js";
import { type Action, actionsOf, DONE, isLocalPath, NAMES } from "./actions.js";
import { message } from "./layout.js";
import { setNote } from "./note.js";

/** The id of the form that has the selected repositories. */
export const BULK = "selected";

/** So many rows are on a page. */
const MAX = 50;

/** The buttons for several repositories, which appear once one is selected. */
export const BulkBar = ({ here }: { here: string }) => (
  <form id={BULK} class="bulk" method="post" action="/repositories/refresh">
    <input type="hidden" name="from" value={here} />
    <span>Selected repositories:</span>
    {(["refresh", "pause", "resume"] as const).map((action) => (
      <button type="submit" formaction={`/repositories/${action}`} id={`selected-${action}`}>
        {NAMES[action]} <span class="hidden">the selected repositories</span>
      </button>
    ))}
  </form>
);

export function addBulkActions(app: Hono, ports: ApiPorts): void {
  app.post("/repositories/:action{refresh|pause|resume}", async (context) => {
    const action = context.req.param("action") as Action;
    const { id, from } = await context.req
      .parseBody({ all: true })
      .catch(() => ({}) as Record<string, unknown>);
    const names = (Array.isArray(id) ? id : [id]).filter((it) => typeof it === "string").slice(0, MAX);
    const found = names.flatMap((name) => {
      const [owner = "", rest = ""] = name.split("/");
      return isOwner(owner) && isRepositoryName(rest) ? (ports.get(owner, rest) ?? []) : [];
    });
    const able = found.filter((one) => actionsOf(one).includes(action));
    noteDetail(context, able.map(({ owner, name }) => `${owner}/${name}`).join(", ") || "none");
    if (able.length === 0) {
      const frame = { title: "Nothing was done", here: "/repositories", status: 409 } as const;
      const remedy = "select some, and choose an action that their state allows";
      return message(context, frame, "No selected repository can do that now.", remedy);
    }
    for (const one of able) ports[action](one.id);
    const left = names.length - able.length;
    const more =
      left > 0 ? `; ${counted(left, "was", "were")} left alone, because their state does not allow it` : "";
    setNote(context, `${DONE[action]} ${countedRepositories(able.length)}${more}`);
    return context.redirect(typeof from === "string" && isLocalPath(from) ? from : "/repositories", 303);
  });
}
