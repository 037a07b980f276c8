import type { Hono } from "hono";
import { counted, countedRepositories, duration, spokenAge } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import { cached } from "../cached.js";
import type { QueueView } from "../log-view.js";
import type { NodePorts } from "../nodes.js";
import type { InstallationView, StatusView } from "../status-view.js";
import { verdictOf } from "../verdict.js";
import { WholeAttention } from "./attention.js";
import { page, ServerParts } from "./layout.js";
import { ClassMeters, forecastOf, Meters } from "./meters.js";
import { Nodes } from "./nodes.js";
import { Live } from "./part.js";
import { Ago, Due, Facts, State, Table, Trouble } from "./parts.js";
import { RemovalButton } from "./removal.js";
import { Word } from "./words.js";

const ROWS = 100;
const LIMITS = 20;
const GIB = 2 ** 30;
/** The list counts every repository and asks every node, and open pages ask often. */
const NODES_MS = 10_000;

/** Shows the server's state: queue, backstop, limits, disk, consumers and installations. */
export function addServerPage(app: Hono, ports: ApiPorts, nodes: Pick<NodePorts, "list"> | null): void {
  const listNodes = nodes && cached(NODES_MS, nodes.list);
  app.get("/server", async (context) => {
    const cluster = listNodes && (await listNodes());
    const status = await ports.status();
    const { queue, total } = ports.queue(ROWS);
    const installations = ports.installations({ limit: ROWS, after: null });
    return page(
      context,
      { title: "Server", here: "/server" },
      <>
        <div class="title">
          <h1>Server</h1>
          <ServerParts here="/server" />
        </div>
        <Live name="server">
          <WholeAttention of={status} here="/server" />
          <div class="two">
            <section class="box" aria-label="State">
              <h2>State</h2>
              <Summary status={status} />
            </section>
            <Backstop of={status.backstop} deliveries={status.deliveries} />
          </div>
          <div class="two">
            <Meters of={status} forecast={forecastOf(ports.trends("week"))} most={LIMITS} />
            <ClassMeters of={status.queue.classes} />
          </div>
          {cluster && <Nodes of={cluster} />}
          <Outages of={status.queue.outages} />
          <Holds of={status.queue.held} />
          <Queue of={queue} total={total} />
          <Consumers of={status.announce} />
          <Installations of={installations.installations} total={installations.total} />
          <Tokens of={ports.tokens.all()} />
        </Live>
      </>,
    );
  });
}

const Summary = ({ status }: { status: StatusView }) => (
  <Facts
    of={[
      ["Mirrors", <span data-verdict="">{verdictOf(status).title}</span>],
      ["Cloned", clonedOf(status.mirrors)],
      ["Mirrors served at", status.serving ? <Serving of={status.serving} /> : "nowhere"],
      ["Calls to GitHub", status.github.calls.toLocaleString("en")],
      [
        "Free disk",
        <>
          <State of={diskState(status.disk)} kind={status.disk.low ? "bad" : "good"} />{" "}
          {(status.disk.freeBytes / GIB).toFixed(1)} GiB (at least{" "}
          {(status.disk.minFreeBytes / GIB).toFixed(1)} GiB)
        </>,
      ],
    ]}
  />
);

const clonedOf = ({ cloned, managed }: StatusView["mirrors"]) =>
  `${cloned.toLocaleString("en")} of ${managed.toLocaleString("en")}`;

/** Shows what finds the pushes that nobody reported. */
const Backstop = ({
  of,
  deliveries,
}: {
  of: StatusView["backstop"];
  deliveries: StatusView["deliveries"];
}) => (
  <section class="box" aria-label="Backstop">
    <h2>
      <Word of="backstop">Backstop</Word>
    </h2>
    <Facts
      of={[
        ["Passes", of.intervalMs === null ? "off" : `every ${duration(of.intervalMs)}`],
        ["Last pass", <Ago at={of.lastPassAt} />],
        ["Next pass", <Due at={nextPassAt(of)} />],
        [
          "Last failure of a pass",
          of.lastError ? <span class="bad">{`${of.lastError.code}: ${of.lastError.message}`}</span> : "none",
        ],
        ["How deliveries arrive", deliveries.mode === "pull" ? "read from GitHub's log" : "by webhook"],
        ["Last webhook", <Ago at={deliveries.lastWebhookAt} />],
        ["GitHub's delivery log read", <Ago at={deliveries.lastReadAt} />],
      ]}
    />
  </section>
);

const nextPassAt = ({ intervalMs, lastPassAt }: StatusView["backstop"]): string | null =>
  intervalMs === null || lastPassAt === null
    ? null
    : new Date(Date.parse(lastPassAt) + intervalMs).toISOString();

const Serving = ({ of: { url, readers } }: { of: NonNullable<StatusView["serving"]> }) => (
  <>
    {url}, to {readers.join(", ") || <State of="nobody: set READERS" kind="warn" />}
  </>
);

const diskState = ({ full, low }: StatusView["disk"]): string => (full ? "full" : low ? "low" : "ok");

const Queue = ({ of, total }: { of: QueueView[]; total: number }) => (
  <Table
    caption={
      <>
        Queue: {counted(total, "request", "requests")}
        {total > ROWS && `, the first ${ROWS}`}
        {total > 0 && <span class="dim"> ({classesOf(of)})</span>}
      </>
    }
    columns={["What", "Class", "Trigger", "State", "Waiting since", "Due", "Tries"]}
    rows={of.map(({ subject, name, class: workClass, trigger, running, waitingSince, dueAt, attempt }) => [
      subject === "repository" ? <a href={`/repos/${name}`}>{name}</a> : name,
      workClass,
      trigger,
      running ? "running" : "waiting",
      <Ago at={waitingSince} never="–" />,
      <Due at={dueAt} />,
      String(attempt),
    ])}
    empty="The queue is empty."
  />
);

/** Counts the requests that are shown by their class of work. */
function classesOf(of: QueueView[]): string {
  const counts = new Map<string, number>();
  for (const { class: one } of of) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([one, count]) => `${count} ${one}`).join(", ");
}

const Outages = ({ of }: { of: StatusView["queue"]["outages"] }) =>
  of.length > 0 && (
    <Table
      caption="Servers that do not answer"
      columns={["Server", "Since", "Asked again"]}
      rows={of.map(({ server, since, nextProbeAt }) => [
        server,
        <Ago at={since} />,
        nextProbeAt === null ? "as soon as a request has a slot" : <Due at={nextProbeAt} />,
      ])}
      empty=""
    />
  );

const Holds = ({ of }: { of: StatusView["queue"]["held"] }) =>
  of.length > 0 && (
    <Table
      caption="What GitHub asked Lockstep to leave alone"
      columns={["What", "Until"]}
      rows={of.map(({ what, until }) => [what, <Due at={until} />])}
      empty=""
    />
  );

const Consumers = ({ of }: { of: StatusView["announce"] }) => (
  <Table
    caption="Consumers of events"
    columns={["Consumer", "Undelivered events", "Repositories", "Oldest", "Dropped", "Last failure"]}
    rows={of.map(({ consumer, pending, repositories, oldestAgeMs, dropped, lastError }) => [
      consumer,
      String(pending),
      String(repositories),
      oldestAgeMs === null ? "–" : spokenAge(oldestAgeMs),
      String(dropped),
      lastError && (
        <>
          {lastError.message} (<Ago at={lastError.at} />)
        </>
      ),
    ])}
    empty="No consumers other than readers of the event stream."
  />
);

const Installations = ({ of, total }: { of: InstallationView[]; total: number }) => (
  <Table
    caption={
      <>
        {counted(total, "installation", "installations")}
        {total > ROWS && `, the first ${ROWS}`}
      </>
    }
    columns={["Account", "Number", "State", "Listed", "What to do"]}
    rows={of.map(({ id, login, state, lastListedAt, lastError, heldRemoval }) => [
      <a href={`/repositories?installation=${id}`}>{login || "a new account"}</a>,
      String(id),
      <State of={state} />,
      <Ago at={lastListedAt} />,
      heldRemoval ? (
        <>
          <Trouble
            what={`GitHub no longer lists ${countedRepositories(heldRemoval.repositories.length)}`}
            remedy={`restore the App's access, or ${heldRemoval.confirm}`}
            since={heldRemoval.heldAt}
          />
          <RemovalButton installation={{ id, login }} />
        </>
      ) : (
        lastError && <Trouble what={lastError.message} remedy={lastError.hint} since={lastError.at} />
      ),
    ])}
    empty="No installations yet: install the App on an account."
  />
);

const Tokens = ({ of }: { of: ReturnType<ApiPorts["tokens"]["all"]> }) => (
  <Table
    caption={counted(of.length, "token", "tokens")}
    columns={["Name", "Scopes", "Repositories", "Made", "Last used", "Expires"]}
    rows={of.map(({ name, scopes, repositories, createdAt, lastUsedAt, expiresAt }) => [
      name,
      scopes.join(", "),
      repositories?.join(", ") ?? "all",
      <Ago at={createdAt} />,
      <Ago at={lastUsedAt} />,
      <Due at={expiresAt} />,
    ])}
    empty={
      <>
        No tokens yet. <code>lockstep tokens add</code> makes one.
      </>
    }
  />
);
