import type { z } from "zod";
import type { QuietTime } from "./formats.js";
import type { VARIABLES } from "./variables.js";

export interface AlertSettings {
  /** Where alerts go; its path is a secret. */
  readonly url: string;
  /** How long something must be so before it is told, in milliseconds. */
  readonly delayMs: number;
  /** When nothing is sent, by the clock of the server's time zone. */
  readonly quiet: readonly QuietTime[];
}

type Values = Partial<Pick<z.infer<typeof VARIABLES>, "ALERT_URL" | "ALERT_DELAY" | "ALERT_QUIET">>;

const DELAY_MS = 5 * 60_000;

/** @returns null: no alerts are sent */
export const alertsOf = ({ ALERT_URL: url, ALERT_DELAY: delayMs, ALERT_QUIET: quiet }: Values) =>
  url ? ({ url, delayMs: delayMs ?? DELAY_MS, quiet: quiet ?? [] } satisfies AlertSettings) : null;
