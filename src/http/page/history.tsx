import type { Context, Hono } from "hono";
import type { Child } from "hono/jsx";
import { ALL_REFS, fullName } from "../../base/names.js";
import { counted } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { noteDetail } from "../audit.js";
import { check } from "../body.js";
import { Allow, detailOf, type Refusal, Restore } from "../history.js";
import { find, notFound, refreshRefusal } from "../lookup.js";
import { problem } from "../problem.js";
import type { HoldView, KeptView, RepositoryView } from "../view.js";
import { isLocalPath } from "./actions.js";
import { Confirm } from "./confirm.js";
import { explain } from "./explain.js";
import { readForm } from "./form.js";
import { page } from "./layout.js";
import { setNote } from "./note.js";
import { Notice } from "./notice.js";
import { Ago, Due, Facts, Sha, Table } from "./parts.js";
import { Word } from "./words.js";

const RESTORE = "/repos/:owner/:name/restore";

const pathOf = (repository: RepositoryView) => `/repos/${fullName(repository)}`;

interface ListProps<Entry> {
  of: Entry[];
  /** The number of entries on all pages. */
  total: number;
  repository: RepositoryView;
}

/** Why a ref stays where it is. */
const CAUSES: Record<HoldView["cause"], string> = {
  blocked: "moved by force or deleted",
  vanished: "most refs vanished at once",
  restored: "restored by an operator",
};

/** Says what will happen if the change is allowed. */
function effectOf({ ref, wanted }: HoldView): string {
  if (ref === ALL_REFS) return "deletes what GitHub no longer lists";
  return /^0+$/.test(wanted) ? "deletes the ref" : `moves the ref to ${wanted.slice(0, 10)}`;
}

/** Shows the button that helps, or what has to be done before there can be one. */
const Remedy = ({ of: repository, children }: { of: RepositoryView; children: Child }) => {
  if (refreshRefusal(repository) === null) return <>{children}</>;
  return (
    <span class="dim">
      {repository.pausedAt !== null ? "resume the repository first" : "not possible now"}
    </span>
  );
};

export const Holds = ({ of, total, repository }: ListProps<HoldView>) => (
  <div class="stack">
    <p>
      <Word of="held">Held refs</Word> stay where they are until you decide.
    </p>
    <Table
      caption={counted(total, "held ref", "held refs")}
      columns={["Ref", "Held at", "GitHub has", "Since", "Why", "To apply it", "To undo it at GitHub"]}
      rows={of.map((hold) => [
        hold.ref,
        <Sha of={hold.tip} />,
        <Sha of={hold.wanted} />,
        <Ago at={hold.since} />,
        CAUSES[hold.cause],
        <Remedy of={repository}>
          <AllowButton hold={hold} repository={repository} />
          <span class="dim small">{effectOf(hold)}</span>
        </Remedy>,
        <code class="long">{hold.push}</code>,
      ])}
      empty=""
    />
  </div>
);

/** The form sends the value that is shown, so no other value is allowed than the one that was seen. */
const AllowButton = ({
  hold: { ref, wanted },
  repository,
}: {
  hold: HoldView;
  repository: RepositoryView;
}) => (
  <form method="post" action={`${pathOf(repository)}/allow`}>
    <input type="hidden" name="ref" value={ref} />
    <input type="hidden" name="wanted" value={wanted} />
    <button type="submit" id={`allow-${ref}`}>
      Allow <span class="hidden">GitHub's value for {ref}</span>
    </button>
  </form>
);

export const Kept = ({ of, total, repository }: ListProps<KeptView>) => (
  <div class="stack">
    <p>
      <Word of="kept">Kept tips</Word> are what refs had before; a tip can be restored until it expires.
    </p>
    <Table
      caption={`${counted(total, "kept tip", "kept tips")}, newest first`}
      columns={["Ref", "Previous tip", "Kept", "Until", "To restore it"]}
      rows={of.map((tip) => [
        tip.ref ?? "unknown",
        <Sha of={tip.sha} />,
        <Ago at={tip.keptAt} />,
        <Due at={tip.expiresAt} />,
        <Remedy of={repository}>
          <RestoreButton tip={tip} repository={repository} />
        </Remedy>,
      ])}
      empty=""
    />
  </div>
);

/** Opens the confirmation page; changes nothing. */
const RestoreButton = ({ tip, repository }: { tip: KeptView; repository: RepositoryView }) => (
  <form method="get" action={`${pathOf(repository)}/restore`}>
    <input type="hidden" name="kept" value={tip.name} />
    <button type="submit" id={`restore-${tip.name}`}>
      Restore…{" "}
      <span class="hidden">
        {tip.ref ?? "a ref"} to {tip.sha.slice(0, 10)}
      </span>
    </button>
  </form>
);

type Act = (repository: RepositoryView) => Promise<{ refusal: Refusal | null; done: string } | Response>;

export function addHistoryActions(app: Hono, ports: ApiPorts): void {
  /** Records the request and requests the refresh that writes the ref, as the API's calls do. */
  async function act(context: Context, start: Act): Promise<Response> {
    const found = findFree(context, ports);
    if (found instanceof Response) return explain(context, "/repositories", found);
    const started = await start(found);
    if (started instanceof Response) return explain(context, "/repositories", started);
    if (started.refusal) return explain(context, "/repositories", problem(started.refusal));
    ports.refresh(found.id);
    setNote(context, started.done);
    const { from } = await readForm(context);
    return context.redirect(typeof from === "string" && isLocalPath(from) ? from : pathOf(found), 303);
  }

  app.post("/repos/:owner/:name/allow", (context) =>
    act(context, async ({ id }) => {
      const { from: _, ...fields } = await readForm(context);
      const sent = check(Allow.required(), fields, "check the holds again");
      if (sent instanceof Response) return sent;
      noteDetail(context, detailOf(sent));
      const { ref, wanted } = sent;
      const done = `GitHub's value is allowed for ${ref}; a refresh applies it`;
      return { refusal: ports.allow(id, ref, wanted), done };
    }),
  );
  app.get(RESTORE, (context) => confirmPage(context, ports));
  app.post(RESTORE, (context) =>
    act(context, async ({ id }) => {
      const sent = check(Restore, await readForm(context), "choose a kept tip and a full ref name");
      if (sent instanceof Response) return sent;
      noteDetail(context, detailOf(sent));
      const done = `A refresh restores ${sent.ref ?? "the ref"} to the kept tip and holds it there`;
      return { refusal: await ports.restore(id, sent.kept, sent.ref), done };
    }),
  );
}

/** Returns the repository that the path names, if a refresh can be requested for it. */
function findFree(context: Context, ports: ApiPorts): RepositoryView | Response {
  const found = find(context, ports.get);
  return found instanceof Response ? found : (refreshRefusal(found) ?? found);
}

async function confirmPage(context: Context, ports: ApiPorts): Promise<Response> {
  const found = findFree(context, ports);
  if (found instanceof Response) return explain(context, "/repositories", found);
  const tip = await ports.keptTip(found.id, context.req.query("kept") ?? "");
  if (tip) return page(context, { title: "Restore a kept tip", here: "/repositories" }, second(found, tip));
  const remedy = "see the kept tips of the repository; it may have expired";
  return explain(context, "/repositories", notFound("that is not a kept tip of this repository", remedy));
}

const second = (
  repository: RepositoryView,
  { kept: tip, current }: { kept: KeptView; current: string | null },
) => (
  <>
    <h1>Restore a kept tip</h1>
    <section class="box" aria-label="What will be restored">
      <Facts
        of={[
          ["Repository", fullName(repository)],
          ["Ref", tip.ref ?? "unknown; its name was too long to record"],
          ["Current tip", tip.ref === null ? "–" : <Sha of={current} />],
          ["New tip", <Sha of={tip.sha} />],
          ["Kept", <Ago at={tip.keptAt} />],
        ]}
      />
    </section>
    <Notice mood="warn">
      The mirror's ref is restored to the kept tip and held there until someone allows GitHub's value or
      GitHub has the same tip. Nothing changes at GitHub.
    </Notice>
    <Confirm
      path={`${pathOf(repository)}/restore`}
      sends={{ kept: tip.name }}
      button="Restore"
      back={pathOf(repository)}
    >
      {tip.ref === null && (
        <label>
          Ref <input name="ref" required placeholder="refs/heads/main" autocomplete="off" />
        </label>
      )}
    </Confirm>
  </>
);
