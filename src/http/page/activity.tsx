import type { Child } from "hono/jsx";
import { counted, duration } from "../../base/units.js";
import type { ActivityView } from "../overview.js";
import { Moment } from "./parts.js";

/** Shows what was done last, as sentences. */
export const Activity = ({
  of,
  title,
  isOfOne = false,
}: {
  of: ActivityView[];
  title: string;
  isOfOne?: boolean;
}) => (
  <section class="box" aria-label={title}>
    <h2>{title}</h2>
    {of.length === 0 ? (
      <p class="empty dim">Nothing has changed since Lockstep began.</p>
    ) : (
      <ol class="feed">
        {of.map((one) => (
          <li id={`event-${one.id}`}>
            <span class="dim small">
              <Moment at={one.at} text={one.at.slice(11, 19)} local="second" />
            </span>
            <span class="sentence">
              {!isOfOne && (
                <>
                  <a class="name" href={`/repos/${one.repository}`}>
                    {one.repository}
                  </a>{" "}
                </>
              )}
              <Sentence of={one} />
            </span>
            <span class="dim num">
              {one.lagMs !== null && (
                <>
                  {duration(one.lagMs)} <span class="wide">after the push</span>
                </>
              )}
            </span>
          </li>
        ))}
      </ol>
    )}
  </section>
);

const isNone = (sha: string | null) => sha === null || /^0+$/.test(sha);
const Tip = ({ of }: { of: string | null }) => <code>{(of ?? "").slice(0, 7)}</code>;
const Ref = ({ of }: { of: string | null }) => <code>{(of ?? "").replace(/^refs\/(heads|tags)\//, "")}</code>;
const kindOf = (ref: string | null) => (ref?.startsWith("refs/tags/") ? "tag " : "");

function Sentence({ of: { type, changed, ref, before, after } }: { of: ActivityView }): Child {
  if (type === "cloned") return <>was cloned, with {counted(changed, "ref", "refs")}</>;
  if (ref === null) return <>changed {counted(changed, "ref", "refs")}</>;
  if (type === "published")
    return (
      <>
        published the tree of <Ref of={ref} /> at <Tip of={after} />
      </>
    );
  if (type === "refused")
    return (
      <>
        did not publish the tree of <Ref of={ref} /> at <Tip of={after} />
      </>
    );
  const more = changed > 1 ? `, and ${(changed - 1).toLocaleString("en")} more` : "";
  if (isNone(after))
    return (
      <>
        {kindOf(ref)}
        <Ref of={ref} /> was deleted{more}
      </>
    );
  if (isNone(before))
    return (
      <>
        {kindOf(ref)}
        <Ref of={ref} /> is new at <Tip of={after} />
        {more}
      </>
    );
  return (
    <>
      {kindOf(ref)}
      <Ref of={ref} /> → <Tip of={after} />
      {more}
    </>
  );
}
