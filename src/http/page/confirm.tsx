import type { Child } from "hono/jsx";

interface Props {
  /** The path that the form posts to. */
  path: string;
  /** The hidden fields of the form. */
  sends: Record<string, string>;
  button: string;
  /** The path of the link that cancels. */
  back: string;
  children?: Child;
}

/** The confirmation step: the form shows what is about to happen, above the button. */
export const Confirm = ({ path, sends, button, back, children }: Props) => (
  <form class="confirm" method="post" action={path}>
    {Object.entries(sends).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
    <button type="submit" class="primary">
      {button}
    </button>
    <a class="button" href={back} data-cancel="">
      Cancel
    </a>
  </form>
);
