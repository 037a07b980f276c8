import type { Context, Hono } from "hono";
import { fullName } from "../../base/names.js";
import type { ApiPorts } from "../api.js";
import { find } from "../lookup.js";
import type { RepositoryView } from "../view.js";
import { readForm } from "./form.js";
import { Icon, type IconName } from "./icon.js";
import { message } from "./layout.js";
import { setNote } from "./note.js";

export type Action = "refresh" | "pause" | "resume";

const LEFT = ["gone", "retired"];

/** The actions that are possible in the repository's present state. */
export function actionsOf({ state, pausedAt }: RepositoryView): Action[] {
  if (LEFT.includes(state)) return [];
  return pausedAt === null ? ["refresh", "pause"] : ["resume"];
}

const PATH = /^\/(?:repos\/([\w.-]+\/[\w.-]+)|(installations\/\d+)|(repositories))\/([a-z-]+)$/;

/** Returns what the audit writes down of a form; null: the request is no action. */
export function actOf({ req: { method, path } }: Context) {
  const [, repository, installation, several, action] = PATH.exec(path) ?? [];
  if (method !== "POST" || action === undefined) return null;
  const subject = repository ?? (several ? "selected repositories" : installation!.replace("s/", " "));
  return { via: "page" as const, action, subject };
}

export const NAMES: Record<Action, string> = { refresh: "Refresh", pause: "Pause", resume: "Resume" };

export const DONE: Record<Action, string> = {
  refresh: "Asked for a refresh of",
  pause: "Paused",
  resume: "Resumed",
};

interface Place {
  repository: RepositoryView;
  /** The path that the action leads back to. */
  here: string;
}

const ICONS: Record<Action, IconName> = { refresh: "sync", pause: "pause", resume: "play" };

/** One button for each action; the buttons work without JavaScript and lead back to the page they are on. */
export const Buttons = ({ repository, here }: Place) => (
  <div class="actions">
    <Forms repository={repository} here={here} />
  </div>
);

/** The same buttons behind one that opens them. */
export function Menu({ repository, here }: Place) {
  if (actionsOf(repository).length === 0) return null;
  const name = fullName(repository);
  return (
    <details class="menu" id={`menu-${repository.id}`}>
      <summary aria-label={`Actions for ${name}`}>
        <Icon name="kebab-horizontal" />
      </summary>
      <div>
        <Forms repository={repository} here={here} />
      </div>
    </details>
  );
}

const Forms = ({ repository, here }: Place) => (
  <>
    {actionsOf(repository).map((action) => (
      <form method="post" action={`/repos/${fullName(repository)}/${action}`}>
        <input type="hidden" name="from" value={here} />
        <button type="submit" id={`${action}-${repository.id}`}>
          <Icon name={ICONS[action]} /> {NAMES[action]} <span class="hidden">{fullName(repository)}</span>
        </button>
      </form>
    ))}
  </>
);

/** Accepts only a path of this page, because `//host` and `/\host` lead to another site. */
export const isLocalPath = (path: string): boolean =>
  /^\/(?![/\\])[^\s\\]*$/.test(path) && URL.canParse(path, "http://localhost");

export function addActions(app: Hono, ports: ApiPorts): void {
  app.post("/repos/:owner/:name/:action{refresh|pause|resume}", async (context) => {
    const repository = find(context, ports.get);
    if (repository instanceof Response) return context.notFound();
    const action = context.req.param("action") as Action;
    if (!actionsOf(repository).includes(action)) {
      const detail = `${fullName(repository)} is ${repository.state}.`;
      const frame = { title: "Nothing was done", here: "/", status: 409 } as const;
      return message(context, frame, detail, "check the repository, and choose again");
    }
    ports[action](repository.id);
    setNote(context, `${DONE[action]} ${fullName(repository)}`);
    const { from } = await readForm(context);
    return context.redirect(typeof from === "string" && isLocalPath(from) ? from : "/", 303);
  });
}
