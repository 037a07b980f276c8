import { OUTLINES } from "./icons.js";

export type IconName = keyof typeof OUTLINES;
/** The colour of what is shown; the shape differs, too. */
export type Mood = "good" | "busy" | "warn" | "bad" | "none";

/** Draws one of GitHub's icons. A word beside it says the same. */
export const Icon = ({ name, mood }: { name: IconName; mood?: Mood }) => (
  <svg
    class={mood ? `octicon is-${mood}` : "octicon"}
    width="16"
    height="16"
    viewBox="0 0 16 16"
    aria-hidden="true"
  >
    <path d={OUTLINES[name]} />
  </svg>
);
