/** Words that an operator may not know, as docs/glossary.md explains them. */
const MEANINGS = {
  proven:
    "When the mirror was last known to equal GitHub: by comparing every ref, or because GitHub says that nothing was pushed since.",
  lag: "From the arrival of the push's delivery to the moment when the mirror has it.",
  lags: "From the arrival of a push's delivery to the moment when the mirror has it. Half of all pushes took no longer than the median, 95 of 100 no longer than p95.",
  refreshes:
    "A refresh brings a mirror in step with GitHub, after a push, by hand or by the backstop. Missed: pushes that no delivery reported.",
  beats:
    "The newest is on the right. A tall bar changed something or came from a push, a short one found nothing new, and a red one failed.",
  backlog: "The most refreshes that waited or ran at a time.",
  oldestProof: "How long ago the mirror was proven equal to GitHub whose proof is the oldest.",
  budget: "What is left of the calls that GitHub allows in an hour, for the account that has the least left.",
  held: "The ref stays where it is, whatever GitHub has, until you allow the change.",
  kept: "An old tip that was moved by force or deleted; it can be restored until it expires.",
  backstop:
    "Every INTERVAL, Lockstep compares what it has with GitHub's lists, and finds the pushes that no delivery reported.",
  comparison: "Every ref at GitHub is compared with every ref of the mirror.",
} as const;

export type Term = keyof typeof MEANINGS;

interface Props {
  of: Term;
  /** Unique on its page. */
  id?: string;
  /** Where the word leads to; without it, nowhere. */
  href?: string | undefined;
  children: string;
}

/** Explains a word where it stands, to the pointer, the keyboard and a screen reader. */
export function Word({ of, id = of, href, children }: Props) {
  const tooltip = (
    <span role="tooltip" id={`word-${id}`}>
      {MEANINGS[of]}
    </span>
  );
  if (href !== undefined)
    return (
      <a class="word" href={href} aria-describedby={`word-${id}`}>
        {children}
        {tooltip}
      </a>
    );
  return (
    <button type="button" class="word" aria-describedby={`word-${id}`}>
      {children}
      {tooltip}
    </button>
  );
}
