import type { Context, Hono } from "hono";
import type { Child } from "hono/jsx";
import { fullName } from "../../base/names.js";
import { counted, duration } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { onPage } from "../dialect.js";
import type { RefreshView } from "../log-view.js";
import { find } from "../lookup.js";
import type { PlacesView } from "../overview.js";
import { findPaging, toCursor } from "../paging.js";
import { KeptPlace, RefPlace } from "../repository-lists.js";
import type { CheckoutView, RefView, RepositoryView } from "../view.js";
import { Buttons } from "./actions.js";
import { Activity } from "./activity.js";
import { Copied } from "./copied.js";
import { Deliveries } from "./deliveries.js";
import { explain } from "./explain.js";
import { Holds, Kept } from "./history.js";
import { Icon } from "./icon.js";
import { LagChart } from "./lags.js";
import { page } from "./layout.js";
import { MaintenanceBox } from "./maintenance.js";
import { Notice } from "./notice.js";
import { Live } from "./part.js";
import { Ago, Due, Facts, Pages, Sha, State, Table, Trouble } from "./parts.js";
import { Readers } from "./readers.js";
import { Strip } from "./rows.js";
import { RepositoryVerdict } from "./standing-of-one.js";
import { Word } from "./words.js";

/** So many refs, kept tips and holds are on one page each. */
const ROWS = 200;
const EVENTS = 8;
const DELIVERIES = 5;

/** Shows one repository with all known facts. */
export function addRepositoryPage(app: Hono, ports: ApiPorts): void {
  app.get("/repos/:owner/:name", async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return explain(context, "/repositories", found);
    const { id } = found;
    const query = context.req.query();
    const places = findPlaces(context);
    if (places instanceof Response) return explain(context, "/repositories", places);
    const wanted = query.ref ?? "";
    const refs = await ports.refs(id, { name: wanted || null, ...places.refs });
    const kept = await ports.kept(id, places.kept);
    const holds = ports.holds(id, places.holds);
    const name = fullName(found);
    const pages = { path: `/repos/${name}`, query };
    const at = ports.places(found);
    const mine = { repository: name, outcome: null, limit: DELIVERIES, after: null };
    const refreshes = ports.refreshes(id);
    const { deliveries } = await ports.deliveries(mine);
    const subject = await headSubject(ports, found, refs.refs);
    const beats = ports.beats(id);
    const done = await ports.activity(EVENTS, id);
    const readers = ports.readers(id, ROWS);
    const maintenance = ports.maintenance(id);
    return page(
      context,
      { title: name, here: "/repositories" },
      <>
        <div class="title">
          <h1>{name}</h1>
          <a href={at.github} rel="noreferrer">
            <Icon name="link-external" /> At GitHub
          </a>
          <Live name="actions" of={[id, name, found.state, found.pausedAt]}>
            <Buttons repository={found} here={`/repos/${name}`} />
          </Live>
        </div>
        <Live name="repository" of={[found, holds, query, beats, subject, refreshes]}>
          <RepositoryVerdict of={found} held={holds.total} />
          {found.lastError && (
            <Notice mood="bad">
              <Trouble
                what={`${found.lastError.code}: ${found.lastError.message}`}
                remedy={onPage(found.lastError.hint)}
                since={found.lastError.at}
              />
            </Notice>
          )}
          {holds.total > 0 && <Holds of={holds.holds} total={holds.total} repository={found} />}
          <Pages {...pages} field="holds" next={toCursor(holds.next)} label="Pages of held refs" />
          <Summary repository={found} beats={beats} subject={subject} />
          <LagChart of={refreshes} />
        </Live>
        <Places of={at} />
        <Live name="done" of={[id, done, deliveries, found.checkouts, refreshes, readers, maintenance]}>
          <div class="two">
            <Activity title="What changed" of={done} isOfOne />
            <section class="box" aria-labelledby="deliveries">
              <div class="head">
                <h2 id="deliveries">Deliveries</h2>
                <a href={`/deliveries?repository=${name}`}>
                  All <span class="hidden">deliveries of {name}</span>
                </a>
              </div>
              <Deliveries of={deliveries} isOfOne>
                <p class="empty dim">No delivery for this repository in the last 8 days.</p>
              </Deliveries>
            </section>
          </div>
          {found.checkouts && <Checkouts of={found.checkouts} />}
          <Refreshes of={refreshes} />
          <Readers of={readers} />
          <MaintenanceBox of={maintenance} />
        </Live>
        <Live name="kept" of={[found, kept, query]}>
          {kept.total > 0 && <Kept of={kept.kept} total={kept.total} repository={found} />}
          <Pages {...pages} field="kept" next={toCursor(kept.next)} label="Pages of kept tips" />
        </Live>
        <RefFilter wanted={wanted} />
        <Live name="refs" of={[name, refs, found.lastProvenAt, query]}>
          <Refs of={refs.refs} total={refs.total} whole={found.lastProvenAt} />
          <Pages {...pages} field="refs" next={toCursor(refs.next)} label="Pages of refs" />
        </Live>
      </>,
    );
  });
}

/** Parses the places of the three lists, or returns the answer that explains what is wrong. */
function findPlaces(context: Context) {
  const refs = findPaging(context, RefPlace, ROWS, "refs");
  const kept = findPaging(context, KeptPlace, ROWS, "kept");
  const holds = findPaging(context, RefPlace, ROWS, "holds");
  if (refs instanceof Response) return refs;
  if (kept instanceof Response) return kept;
  return holds instanceof Response ? holds : { refs, kept, holds };
}

/**
 * Returns the default branch's tip and the first line of its message; null: it is not known.
 * @param shown the refs of the page, where the branch often is
 */
async function headSubject(ports: ApiPorts, { id, defaultBranch }: RepositoryView, shown: RefView[]) {
  const name = `refs/heads/${defaultBranch}`;
  const isHead = ({ ref }: RefView) => ref === name;
  const head =
    shown.find(isHead) ?? (await ports.refs(id, { name, limit: 50, after: null })).refs.find(isHead);
  const sha = head?.sha;
  if (sha === undefined) return null;
  const text = await ports.subject(id, sha);
  return { sha, text };
}

interface SummaryProps {
  repository: RepositoryView;
  beats: ReturnType<ApiPorts["beats"]>;
  subject: Awaited<ReturnType<typeof headSubject>>;
}

function Summary({ repository, beats, subject }: SummaryProps) {
  const { lagMs, installationId } = repository;
  const facts: [Child, Child][] = [
    ["State", <State of={repository.state} />],
    ["Last push", <Ago at={repository.pushedAt} />],
    [<Word of="lag">Lag of the last push</Word>, lagMs === null ? "–" : duration(lagMs)],
    ["Last refreshes", <Strip of={beats} />],
    ["Refreshed", <Ago at={repository.lastRefreshAt} />],
    [<Word of="comparison">Last full comparison</Word>, <Ago at={repository.lastFullAt} />],
    [<Word of="proven">Proven</Word>, <Ago at={repository.lastProvenAt} />],
    ["Default branch", <code>{repository.defaultBranch}</code>],
    ["Installation", <a href={`/repositories?installation=${installationId}`}>{repository.owner}</a>],
  ];
  if (subject !== null)
    facts.push([
      "Last commit",
      <>
        <Sha of={subject.sha} /> {subject.text}
      </>,
    ]);
  if (repository.filter !== null) facts.push(["Partial", "only the contents of published files"]);
  if (repository.depth !== null) facts.push(["Shallow", `${repository.depth} commits of each published ref`]);
  if (repository.pausedAt) facts.push(["Paused", <Ago at={repository.pausedAt} />]);
  if (repository.goneAt) facts.push(["Gone", <Ago at={repository.goneAt} />]);
  if (repository.retiresAt) facts.push(["Mirror deleted", <Due at={repository.retiresAt} />]);
  return (
    <section class="box" aria-label="Facts">
      <Facts of={facts} />
    </section>
  );
}

/** What one copies to use the mirror. */
const Places = ({ of: { path, served } }: { of: PlacesView }) => (
  <section class="box" aria-label="Use the mirror">
    <h2>Use the mirror</h2>
    <ul class="list">
      {served !== null && (
        <li>
          <Copied id="clone-served" text={`git clone ${served}`} />
        </li>
      )}
      <li>
        <Copied id="clone-path" text={`git clone ${path}`} />
      </li>
      <li>
        <Copied id="path" text={path} />
      </li>
    </ul>
  </section>
);

const Checkouts = ({ of }: { of: CheckoutView[] }) => (
  <Table
    caption="Published trees"
    columns={["Path", "Ref", "Published", "When", "Wanted", "Why not"]}
    rows={of.map(({ path, ref, commit, publishedAt, wanted, veto }) => [
      <code class="long">{path}</code>,
      ref,
      <Sha of={commit} />,
      <Ago at={publishedAt} />,
      <Sha of={wanted} />,
      veto && <Trouble what={veto.reason} remedy={veto.output} since={veto.at} />,
    ])}
    empty="None yet."
  />
);

const Refreshes = ({ of }: { of: RefreshView[] }) => (
  <details class="box fold">
    <summary>The last {of.length} refreshes</summary>
    <Table
      caption="Last refreshes"
      columns={["Ended", "Trigger", "Result", "Way", "Refs changed", "Took", "Lag", "Why"]}
      rows={of.map((refresh) => [
        <Ago at={refresh.endedAt} />,
        refresh.trigger,
        <State of={refresh.result} kind={refresh.reason === null ? "good" : "bad"} />,
        refresh.way,
        String(refresh.changed),
        duration(refresh.durationMs),
        duration(refresh.lagMs),
        refresh.reason,
      ])}
      empty="None yet."
    />
  </details>
);

const RefFilter = ({ wanted }: { wanted: string }) => (
  <search>
    {" "}
    <form class="filter" method="get">
      <label>
        Part of a ref name <input type="search" name="ref" value={wanted} maxlength={250} />
      </label>
      <button type="submit">Show refs</button>
    </form>
  </search>
);

/** @param whole when the whole repository was proven, which counts for each ref that has no later proof */
const Refs = ({ of, total, whole }: { of: RefView[]; total: number; whole: string | null }) => (
  <Table
    caption={counted(total, "ref", "refs")}
    columns={["Ref", "Tip", "Proven"]}
    rows={of.map(({ ref, sha, provenAt }) => [ref, <Sha of={sha} />, <Ago at={provenAt ?? whole} />])}
    empty="None."
  />
);
