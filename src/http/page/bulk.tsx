import type { Context, Hono } from "hono";
import type { RepositoryName } from "../../base/model.js";
import { fullName, isOwner, isRepositoryName } from "../../base/names.js";
import { counted, countedRepositories } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { noteDetail } from "../audit.js";
import { callerOf } from "../caller.js";
import type { OtherNodes } from "../elsewhere.js";
import { type Action, actionsOf, DONE, isLocalPath, NAMES } from "./actions.js";
import { message } from "./layout.js";
import { setNote } from "./note.js";

/** The id of the form that has the selected repositories. */
export const BULK = "selected";

/** So many rows are on a page. */
const MAX = 50;

/** Says what selecting is for; once a repository is selected, it has the buttons instead. */
export const BulkBar = ({ here }: { here: string }) => (
  <form id={BULK} class="bulk" method="post" action="/repositories/refresh">
    <input type="hidden" name="from" value={here} />
    <span class="hint dim">Select repositories to refresh, pause or resume them together.</span>
    <span>Selected repositories:</span>
    {(["refresh", "pause", "resume"] as const).map((action) => (
      <button type="submit" formaction={`/repositories/${action}`} id={`selected-${action}`}>
        {NAMES[action]} <span class="hidden">the selected repositories</span>
      </button>
    ))}
  </form>
);

/** @param nodes null: this Lockstep is alone */
export function addBulkActions(app: Hono, ports: ApiPorts, nodes: OtherNodes | null = null): void {
  app.post("/repositories/:action{refresh|pause|resume}", async (context) => {
    const action = context.req.param("action") as Action;
    const { id, from } = await context.req
      .parseBody({ all: true })
      .catch(() => ({}) as Record<string, unknown>);
    const names = (Array.isArray(id) ? id : [id]).filter((it) => typeof it === "string").slice(0, MAX);
    const asked = names.flatMap((full) => {
      const [owner = "", name = ""] = full.split("/");
      return isOwner(owner) && isRepositoryName(name) ? { owner, name } : [];
    });
    const isElsewhere = (name: RepositoryName) =>
      nodes !== null && nodes.nodesFor(name, { isPassedOn: false }) !== "here";
    const found = asked.flatMap((name) =>
      isElsewhere(name) ? [] : (ports.get(name.owner, name.name) ?? []),
    );
    const able = found.filter((one) => actionsOf(one).includes(action));
    const passed = nodes ? await passOn(context, nodes, { names: asked.filter(isElsewhere), action }) : [];
    noteDetail(context, [...able, ...passed].map(fullName).join(", ") || "none");
    if (able.length + passed.length === 0) {
      const frame = { title: "Nothing was done", here: "/repositories", status: 409 } as const;
      const remedy = "select some, and choose an action that their state allows";
      return message(context, frame, "No selected repository can do that now.", remedy);
    }
    for (const one of able) ports[action](one.id);
    const done = able.length + passed.length;
    const left = names.length - done;
    const more =
      left > 0 ? `; ${counted(left, "was", "were")} left alone, because their state does not allow it` : "";
    setNote(context, `${DONE[action]} ${countedRepositories(done)}${more}`);
    return context.redirect(typeof from === "string" && isLocalPath(from) ? from : "/repositories", 303);
  });
}

/** Has other nodes act on their repositories. @returns those that they could act on */
async function passOn(
  context: Context,
  nodes: OtherNodes,
  { names, action }: { names: RepositoryName[]; action: Action },
): Promise<RepositoryName[]> {
  const { signal } = context.req.raw;
  const done = names.map(async (name) => {
    const path = `/api/v1/repos/${fullName(name)}/${action}`;
    const request = { method: "POST", path, headers: new Headers(), body: new Uint8Array() };
    const found = nodes.nodesFor(name, { isPassedOn: false });
    for (const node of found === "here" ? [] : found) {
      const about = { caller: callerOf(context), fullName: fullName(name), signal };
      const answer = await nodes.send(node, request, about);
      await answer?.body?.cancel();
      if (answer) return answer.ok ? name : [];
    }
    return [];
  });
  return (await Promise.all(done)).flat();
}
