import type { Child } from "hono/jsx";
import { Icon, type IconName } from "./icon.js";

type Weight = "bad" | "warn";

const ICONS: Record<Weight, IconName> = { bad: "x-circle-fill", warn: "alert-fill" };

interface Props {
  /** warn: something may go wrong. bad: something has. */
  mood: Weight;
  id?: string;
  role?: "alert";
  children: Child;
}

/** Says what an operator must know, by a shape beside the colour. */
export const Notice = ({ mood, id, role, children }: Props) => (
  <div class={`notice ${mood}`} id={id} role={role}>
    <Icon name={ICONS[mood]} mood={mood} />
    <p>{children}</p>
  </div>
);
