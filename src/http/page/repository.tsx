import type { Context, Hono } from "hono";
import type { Child } from "hono/jsx";
import { fullName } from "../../base/names.js";
import { duration } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import type { RefreshView } from "../log-view.js";
import { find } from "../lookup.js";
import { findPaging, toCursor } from "../paging.js";
import { KeptPlace, RefPlace } from "../repository-lists.js";
import type { CheckoutView, MaintenanceView, RefView, RepositoryView } from "../view.js";
import { Buttons } from "./actions.js";
import { explain } from "./explain.js";
import { Holds, Kept } from "./history.js";
import { page } from "./layout.js";
import { Ago, Due, Facts, Live, Pages, Quantity, Sha, State, Table, Trouble } from "./parts.js";
import { Readers } from "./readers.js";

/** So many refs, kept tips and holds are on one page each. */
const ROWS = 200;

/** Shows one repository with all known facts. */
export function addRepositoryPage(app: Hono, ports: ApiPorts): void {
  app.get("/repos/:owner/:name", async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return explain(context, "/", found);
    const { id } = found;
    const query = context.req.query();
    const places = findPlaces(context);
    if (places instanceof Response) return explain(context, "/", places);
    const wanted = query.ref ?? "";
    const refs = await ports.refs(id, { name: wanted || null, ...places.refs });
    const kept = await ports.kept(id, places.kept);
    const holds = ports.holds(id, places.holds);
    const pages = { path: `/repos/${fullName(found)}`, query };
    return page(
      context,
      { title: fullName(found), here: "/" },
      <>
        <h1>{fullName(found)}</h1>
        <Live name="repository">
          <Summary repository={found} maintenance={ports.maintenance(id)} />
          {holds.total > 0 && <Holds of={holds.holds} total={holds.total} repository={found} />}
          <Pages {...pages} field="holds" next={toCursor(holds.next)} label="Pages of held refs" />
          {found.checkouts && <Checkouts of={found.checkouts} />}
          <Refreshes of={ports.refreshes(id)} />
          <Readers of={ports.readers(id, ROWS)} />
        </Live>
        <p>
          <a href={`/deliveries?repository=${fullName(found)}`}>Its deliveries</a>
        </p>
        <Live name="kept">
          {kept.total > 0 && <Kept of={kept.kept} total={kept.total} repository={found} />}
          <Pages {...pages} field="kept" next={toCursor(kept.next)} label="Pages of kept tips" />
        </Live>
        <RefFilter wanted={wanted} />
        <Live name="refs">
          <Refs of={refs.refs} total={refs.total} />
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

function Summary({ repository, maintenance }: { repository: RepositoryView; maintenance: MaintenanceView }) {
  const { state, lagMs, lastError, installationId } = repository;
  const { tidiedAt, prunedAt, checkedAt, bitmapAt, due, running } = maintenance;
  const facts: [string, Child][] = [
    ["State", <State of={state} />],
    ["Last push", <Ago at={repository.pushedAt} />],
    ["Lag of the last push", lagMs === null ? "–" : duration(lagMs)],
    ["Refreshed", <Ago at={repository.lastRefreshAt} />],
    ["Last full comparison", <Ago at={repository.lastFullAt} />],
    ["Proven", <Ago at={repository.lastProvenAt} />],
    ["Default branch", repository.defaultBranch],
    ["Installation", <a href={`/?installation=${installationId}`}>{installationId}</a>],
    ["Tidied", <Ago at={tidiedAt} />],
    ["Pruned", <Ago at={prunedAt} />],
    ["Checked", <Ago at={checkedAt} />],
    ["Maintenance", running ?? (due.length > 0 ? `due: ${due.join(", ")}` : "nothing due")],
  ];
  if (bitmapAt !== null) facts.push(["Bitmap for clones written", <Ago at={bitmapAt} />]);
  if (repository.filter !== null) facts.push(["Partial", "only the contents of published files"]);
  if (repository.depth !== null) facts.push(["Shallow", `${repository.depth} commits of each published ref`]);
  if (repository.pausedAt) facts.push(["Paused", <Ago at={repository.pausedAt} />]);
  if (repository.goneAt) facts.push(["Gone", <Ago at={repository.goneAt} />]);
  if (repository.retiresAt) facts.push(["Mirror deleted", <Due at={repository.retiresAt} />]);
  return (
    <>
      {lastError && (
        <p class="notice bad">
          <Trouble
            what={`${lastError.code}: ${lastError.message}`}
            remedy={lastError.hint}
            since={lastError.at}
          />
        </p>
      )}
      <Buttons repository={repository} here={`/repos/${fullName(repository)}`} />
      <Facts of={facts} />
    </>
  );
}

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

const Refs = ({ of, total }: { of: RefView[]; total: number }) => (
  <Table
    caption={<Quantity of={total} one="ref" many="refs" />}
    columns={["Ref", "Tip"]}
    rows={of.map(({ ref, sha }) => [ref, <Sha of={sha} />])}
    empty="None."
  />
);
