import { counted } from "../../base/units.js";
import type { RepositoryView } from "../view.js";
import { Icon, type IconName, type Mood } from "./icon.js";
import { Ago } from "./parts.js";

const SAYS: Record<RepositoryView["state"], [mood: Mood, icon: IconName, text: string]> = {
  fresh: ["good", "check-circle-fill", "It is in step with GitHub"],
  refreshing: ["busy", "sync", "It is being refreshed"],
  behind: ["warn", "clock-fill", "It waits for GitHub to show a push, or for a comparison"],
  onboarding: ["busy", "repo-clone", "It is not cloned yet"],
  incomplete: ["warn", "alert-fill", "It is in step, but for refs that cannot be written"],
  failing: ["bad", "x-circle-fill", "Its last refresh failed"],
  suspended: ["warn", "stop", "Its installation is suspended"],
  paused: ["warn", "pause", "It is paused, and keeps what it has"],
  gone: ["none", "repo-deleted", "GitHub no longer lists it"],
  retired: ["none", "trash", "Its mirror is deleted"],
};

/** Says in a sentence how a repository is. */
export function RepositoryVerdict({ of: one, held }: { of: RepositoryView; held: number }) {
  const isHeld = held > 0 && one.state === "fresh";
  const known = SAYS[one.state] ?? SAYS.failing;
  const [mood, icon, text] = isHeld
    ? (["warn", "shield-lock", `In step, but for ${counted(held, "held ref", "held refs")}`] as const)
    : known;
  return (
    <section class={`verdict ${mood}`} data-verdict="">
      <h2>
        <Icon name={icon} mood={mood} /> {text}
      </h2>
      <p class="dim">
        Proven <Ago at={one.lastProvenAt} />, refreshed <Ago at={one.lastRefreshAt} />.
        {one.queued && " A request for it is in the queue."}
      </p>
    </section>
  );
}
