/** Words that an operator may not know, as docs/glossary.md explains them. */
const MEANINGS = {
  proven:
    "When the mirror was last known to equal GitHub: by comparing every ref, or because GitHub says that nothing was pushed since.",
  lag: "From the arrival of the push's delivery to the moment when the mirror has it.",
  held: "The ref stays where it is, whatever GitHub has, until you allow the change.",
  kept: "An old tip that was moved by force or deleted; it can be restored until it expires.",
  backstop: "The pass that runs every INTERVAL and finds what no delivery reported.",
  comparison: "Every ref at GitHub is compared with every ref of the mirror.",
} as const;

/** Explains a word where it stands, to the pointer, the keyboard and a screen reader. @param id unique on its page */
export const Word = ({ of, id, children }: { of: keyof typeof MEANINGS; id?: string; children: string }) => (
  <button type="button" class="word" aria-describedby={`word-${id ?? of}`}>
    {children}
    <span role="tooltip" id={`word-${id ?? of}`}>
      {MEANINGS[of]}
    </span>
  </button>
);
