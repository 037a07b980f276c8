import type { Hono } from "hono";
import { duration } from "../../base/units.js";
import type { ApiPorts } from "../api.js";
import type { QueueView } from "../log-view.js";
import type { InstallationView, StatusView } from "../status-view.js";
import { verdictOf } from "../verdict.js";
import { AttentionBox } from "./attention.js";
import { page, ServerParts } from "./layout.js";
import { Ago, Due, Facts, Live, Quantity, State, Table, Trouble } from "./parts.js";
import { RemovalButton } from "./removal.js";

const ROWS = 100;
const GIB = 2 ** 30;

/** Shows the server's state: queue, backstop, limits, disk, consumers and installations. */
export function addServerPage(app: Hono, ports: ApiPorts): void {
  app.get("/server", (context) => {
    const status = ports.status();
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
          <AttentionBox of={status} here="/server" />
          <Summary status={status} />
          <Outages of={status.queue.outages} />
          <Holds of={status.queue.held} />
          <Queue of={queue} total={total} />
          <Limits of={status.github.limits} />
          <Consumers of={status.announce} />
          <Installations of={installations.installations} total={installations.total} />
        </Live>
      </>,
    );
  });
}

const Summary = ({ status }: { status: StatusView }) => (
  <Facts
    of={[
      ["Mirrors", <span data-verdict="">{verdictOf(status).title}</span>],
      ["Cloned", `${status.mirrors.cloned} of ${status.mirrors.managed}`],
      [
        "Backstop",
        status.backstop.intervalMs === null ? "off" : `every ${duration(status.backstop.intervalMs)}`,
      ],
      ["Last pass", <Ago at={status.backstop.lastPassAt} />],
      ["Last failure of a pass", status.backstop.lastError ? status.backstop.lastError.message : "none"],
      ["How deliveries arrive", status.deliveries.mode],
      ["Last webhook", <Ago at={status.deliveries.lastWebhookAt} />],
      ["GitHub's delivery log read", <Ago at={status.deliveries.lastReadAt} />],
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
        Queue: <Quantity of={total} one="request" many="requests" />
        {total > ROWS && `, the first ${ROWS}`}
      </>
    }
    columns={["What", "Trigger", "State", "Waiting since", "Due", "Tries"]}
    rows={of.map(({ subject, name, trigger, running, waitingSince, dueAt, attempt }) => [
      subject === "repository" ? <a href={`/repos/${name}`}>{name}</a> : name,
      trigger,
      running ? "running" : "waiting",
      <Ago at={waitingSince} never="–" />,
      <Due at={dueAt} />,
      String(attempt),
    ])}
    empty="The queue is empty."
  />
);

const Outages = ({ of }: { of: StatusView["queue"]["outages"] }) =>
  of.length > 0 && (
    <Table
      caption="Servers that answer nobody"
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

const Limits = ({ of }: { of: StatusView["github"]["limits"] }) => (
  <Table
    caption="Rate limits of GitHub"
    columns={["Whose", "Left", "Of", "Resets", "Held until"]}
    rows={of.map(({ whose, remaining, limit, resetsAt, heldUntil }) => [
      whose,
      remaining.toLocaleString("en"),
      limit.toLocaleString("en"),
      <Due at={resetsAt} />,
      <Due at={heldUntil} />,
    ])}
    empty="GitHub has not reported any yet."
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
      oldestAgeMs === null ? "–" : duration(oldestAgeMs),
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
        <Quantity of={total} one="installation" many="installations" />
        {total > ROWS && `, the first ${ROWS}`}
      </>
    }
    columns={["Account", "Number", "State", "Listed", "What to do"]}
    rows={of.map(({ id, login, state, lastListedAt, lastError, heldRemoval }) => [
      <a href={`/repositories?installation=${id}`}>{login || `installation ${id}`}</a>,
      String(id),
      <State of={state} />,
      <Ago at={lastListedAt} />,
      heldRemoval ? (
        <>
          <Trouble
            what={`GitHub no longer lists ${heldRemoval.repositories.length} repositories`}
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
