import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { HEIGHT, WIDTH } from "./chart.js";

interface Props {
  /** What the chart says, for those who do not see it. */
  label: string;
  /** The shapes of the chart, as the server has drawn them. */
  svg: string;
  /** The value at the upper edge. */
  top: string;
  /** What is said in the place of figures that there are not yet. */
  children?: Child;
}

/** A drawn chart with the value of its upper edge. */
export const Plot = ({ label, svg, top, children }: Props) => (
  <div class="plot">
    <svg role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
      {raw(svg)}
    </svg>
    <span class="y" aria-hidden="true">
      {top}
    </span>
    {children && (
      <p class="awaited">
        <span>{children}</span>
      </p>
    )}
  </div>
);
