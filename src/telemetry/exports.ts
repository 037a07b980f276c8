import type { Log } from "../base/log.js";
import { asMessage } from "../base/message.js";

/** 0: the receiver has taken everything. */
interface Result {
  code: number;
  error?: Error;
}

interface Exporter<T> {
  export(items: T, done: (result: Result) => void): void;
}

/**
 * Says in the log when a receiver begins to refuse what is sent, and when it takes it again. What it refuses is lost
 * after the exporter's own tries. @param what such as traces
 */
export function reportFailures<T, E extends Exporter<T>>(
  exporter: E,
  what: string,
  log: Pick<Log, "info" | "warn">,
): E {
  let isFailing = false;
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      const hasFailed = result.code !== 0;
      if (hasFailed && !isFailing)
        log.warn(
          { event: "telemetry_not_sent", what, reason: reasonOf(result.error) },
          "the receiver of OpenTelemetry takes nothing; what is not sent is lost",
        );
      if (!hasFailed && isFailing)
        log.info(
          { event: "telemetry_sent_again", what },
          "the receiver of OpenTelemetry takes everything again",
        );
      isFailing = hasFailed;
      done(result);
    });
  return exporter;
}

/** A message of the exporter may repeat the receiver's answer, but no header that was sent. */
function reasonOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return (
    asMessage([code, error?.message].filter((part) => part !== undefined && part !== "").join(": ")) ||
    "no reason given"
  );
}
