import { type Command, Option } from "commander";
import type { ShownState } from "../http/view.js";

const STATES = Object.keys({
  onboarding: 1,
  fresh: 1,
  refreshing: 1,
  behind: 1,
  incomplete: 1,
  failing: 1,
  paused: 1,
  suspended: 1,
  gone: 1,
  retired: 1,
} satisfies Record<ShownState, 1>);

/** Which repositories a command is about. */
export interface Filter {
  state?: string;
  name?: string;
}

export const addFilter = (command: Command): Command =>
  command
    .addOption(
      new Option("--state <state>", "only repositories in this state, also while they are refreshed").choices(
        STATES,
      ),
    )
    .option("--name <text>", "only repositories with this in owner/name, or a pattern with * and ?");

/** Returns the query of the API that selects the same repositories. */
export const queryOf = ({ state, name }: Filter): Record<string, string> => ({
  ...(state !== undefined && { state }),
  ...(name !== undefined && { name }),
});
