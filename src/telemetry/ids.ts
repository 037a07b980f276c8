import { createHash } from "node:crypto";
import { type IdGenerator, RandomIdGenerator } from "@opentelemetry/sdk-trace-base";

export interface TraceIds {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

const digitsOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * The trace of a delivery has the delivery's GUID as its id, and its first span an id that follows from the GUID.
 * Whatever works for the delivery later finds both, also after a restart and on another node. Pure.
 */
export function idsOf(deliveryId: string): TraceIds {
  const digits = digitsOf(deliveryId);
  const traceId = UUID.test(deliveryId) ? deliveryId.replaceAll("-", "").toLowerCase() : digits.slice(0, 32);
  return { traceId, spanId: digits.slice(32, 48) };
}

/** Random ids, but for the span that is started within `withIds`. */
export function createIdGenerator() {
  const random = new RandomIdGenerator();
  let given: TraceIds | null = null;
  const generator: IdGenerator = {
    generateTraceId: () => given?.traceId ?? random.generateTraceId(),
    generateSpanId: () => given?.spanId ?? random.generateSpanId(),
  };
  return {
    generator,
    withIds<T>(ids: TraceIds, start: () => T): T {
      given = ids;
      try {
        return start();
      } finally {
        given = null;
      }
    },
  };
}
