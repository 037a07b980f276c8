import type { Child } from "hono/jsx";
import type { AttentionView } from "../attention.js";
import { onPage } from "../dialect.js";
import type { StatusView } from "../status-view.js";
import { Icon, type IconName, type Mood } from "./icon.js";
import { Ago, ended, sentence } from "./parts.js";

const LOOKS: Record<AttentionView["kind"], { icon: IconName; mood: Mood }> = {
  outage: { icon: "cloud-offline", mood: "bad" },
  problem: { icon: "alert-fill", mood: "bad" },
  failing: { icon: "x-circle-fill", mood: "bad" },
  held: { icon: "shield-lock", mood: "warn" },
};

interface BoxProps {
  of: Pick<StatusView, "attention" | "attentionTotal">;
  /** The path that an action leads back to. */
  here: string;
}

/** Lists what concerns the whole, without single repositories. */
export function WholeAttention({ of: { attention }, here }: BoxProps) {
  const whole = attention.filter(({ kind }) => kind === "outage" || kind === "problem");
  return <AttentionBox of={{ attention: whole, attentionTotal: whole.length }} here={here} />;
}

/** Lists what an operator should look at, each with its remedy as a button. */
export function AttentionBox({ of: { attention, attentionTotal }, here }: BoxProps) {
  if (attention.length === 0) return null;
  return (
    <section class="box" aria-labelledby="attention">
      <h2 id="attention">
        Needs attention <span class="count">{attentionTotal.toLocaleString("en")}</span>
      </h2>
      <ul class="list attention">
        {attention.map((one) => (
          <Entry of={one} here={here} />
        ))}
      </ul>
    </section>
  );
}

function Entry({ of: one, here }: { of: AttentionView; here: string }) {
  const { icon, mood } = LOOKS[one.kind];
  return (
    <li>
      <Icon name={icon} mood={mood} />
      <div>
        <p class="name">
          <Title of={one} />
        </p>
        <p class="why">
          {ended(one.detail)} <span class="nowrap">→</span> {sentence(onPage(one.remedy))}
          {one.kind === "failing" && " Lockstep tries again by itself."}
        </p>
      </div>
      <span class="dim small">
        for <Ago at={one.since} isAge />
      </span>
      <span class="do">
        <Remedies of={one} here={here} />
      </span>
    </li>
  );
}

/** What the page calls each problem. */
export const TITLES: Readonly<Record<string, string>> = {
  backstop_failing: "GitHub's list of installations cannot be read",
  backstop_late: "The backstop is late",
  consumer_behind: "A consumer is behind",
  database_unwritable: "The database cannot be written",
  deliveries_left_out: "Deliveries came that did not fit into the queue",
  deliveries_of_later_version: "This node is older than the others",
  deliveries_unread: "GitHub's log of deliveries cannot be read",
  disk_full: "The disk is full",
  disk_low: "The disk is nearly full",
  github_calls_held: "GitHub asks Lockstep to wait",
  installation_failing: "An installation cannot be read",
  installation_suspended: "An installation is suspended",
  maintenance_behind: "Maintenance is behind",
  node_away: "A node gives no sign of life",
  nodes_differ: "The nodes have different settings",
  properties_unread: "Custom properties cannot be read",
  push_never_shown: "GitHub never showed a push",
  redis_away: "Redis cannot be used",
  refreshes_failing: "Refreshes fail for all repositories",
  removal_held: "Many repositories disappeared at once",
  server_out: "GitHub does not answer",
  webhook_silent: "GitHub's webhook is silent",
};

function Title({
  of: { kind, code, server, repository, repositories, names },
}: {
  of: AttentionView;
}): Child {
  if (kind === "outage") return `${server ?? "A server"} is unreachable`;
  if (kind === "problem") return TITLES[code] ?? code;
  if (repository !== null) return <a href={`/repos/${repository}`}>{repository}</a>;
  const more = repositories - names.length;
  return (
    <>
      {repositories.toLocaleString("en")} repositories: {names.join(", ")}
      {more > 0 && ` and ${more.toLocaleString("en")} more`}
    </>
  );
}

/** GitHub says elsewhere whether it knows of a fault. */
const OUT: readonly string[] = ["outage", "server_out"];

function Remedies({ of: one, here }: { of: AttentionView; here: string }): Child {
  const { kind, code, repository, repositories, ref, wanted, installationId } = one;
  if (kind === "held" && repository !== null && ref !== null && wanted !== null)
    return (
      <>
        <form method="post" action={`/repos/${repository}/allow`}>
          <input type="hidden" name="ref" value={ref} />
          <input type="hidden" name="wanted" value={wanted} />
          <input type="hidden" name="from" value={here} />
          <button type="submit">
            Allow the change <span class="hidden">of {`${repository} ${ref}`}</span>
          </button>
        </form>
        <a class="button" href={`/repos/${repository}`}>
          Look at it <span class="hidden">in {repository}</span>
        </a>
      </>
    );
  if (kind === "failing" && repository !== null)
    return (
      <form method="post" action={`/repos/${repository}/refresh`}>
        <input type="hidden" name="from" value={here} />
        <button type="submit">
          Try again <span class="hidden">{repository}</span>
        </button>
      </form>
    );
  if (kind === "failing")
    return (
      <a class="button" href="/repositories?state=failing">
        Show all {repositories.toLocaleString("en")}
      </a>
    );
  if (code === "removal_held")
    return (
      <a class="button" href={`/installations/${installationId}/confirm-removal`}>
        Review the removal…
      </a>
    );
  if (OUT.includes(code))
    return (
      <a class="button" href="https://www.githubstatus.com" rel="noreferrer">
        GitHub's status
      </a>
    );
  return here === "/server" ? null : (
    <a class="button" href="/server">
      Look at the server <span class="hidden">for {code}</span>
    </a>
  );
}
