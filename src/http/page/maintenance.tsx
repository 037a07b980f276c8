import type { Child } from "hono/jsx";
import type { MaintenanceView } from "../view.js";
import { Ago, Facts } from "./parts.js";

/** Says when a mirror was maintained; it is folded away, because nothing of it needs an operator. */
export function MaintenanceBox({ of }: { of: MaintenanceView }) {
  const { tidiedAt, prunedAt, checkedAt, bitmapAt, due, running } = of;
  const facts: [string, Child][] = [
    ["Now", running ?? (due.length > 0 ? `due: ${due.join(", ")}` : "nothing due")],
    ["Tidied", <Ago at={tidiedAt} />],
    ["Pruned", <Ago at={prunedAt} />],
    ["Checked", <Ago at={checkedAt} />],
  ];
  if (bitmapAt !== null) facts.push(["Bitmap for clones written", <Ago at={bitmapAt} />]);
  return (
    <details class="box fold">
      <summary>Maintenance</summary>
      <Facts of={facts} />
    </details>
  );
}
