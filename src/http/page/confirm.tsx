import type { Child } from "hono/jsx";

interface Props {
  /** Where the form goes. */
  path: string;
  /** What it sends without being asked. */
  sends: Record<string, string>;
  button: string;
  /** Where one goes who would rather not. */
  back: string;
  children?: Child;
}

/** The second look: below what is about to happen, the button that does it. */
export const Confirm = ({ path, sends, button, back, children }: Props) => (
  <form class="confirm" method="post" action={path}>
    {Object.entries(sends).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
    <button type="submit">{button}</button>
    <a href={back}>Cancel</a>
  </form>
);
