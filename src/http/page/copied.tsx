import { Icon } from "./icon.js";

/** A text with the button that copies it. The script copies, and without it the text can be selected. A line breaks after a slash. */
export const Copied = ({ id, text }: { id: string; text: string }) => (
  <span class="copy">
    <code id={id}>
      {text.split(/(?<=[^/:]\/)/).map((part) => (
        <>
          {part}
          <wbr />
        </>
      ))}
    </code>
    <button type="button" class="icon-button" data-copy={id}>
      <Icon name="copy" />
      <span class="hidden">Copy {text}</span>
    </button>
    <span class="dim small" aria-live="polite" data-copied="" />
  </span>
);
