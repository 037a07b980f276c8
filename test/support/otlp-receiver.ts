import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A span, with what a test looks at. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code?: number };
  attributes: Record<string, unknown>;
}

type Value = { stringValue?: string; intValue?: string | number; doubleValue?: number };
type Json = { key: string; value: Value }[];

const plain = (attributes: Json): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A receiver of OTLP over HTTP, in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics = new Map<string, unknown>();
  readonly requests: { path: string; headers: Record<string, unknown> }[] = [];
  resource: Record<string, unknown> = {};
  /** The status of every answer. */
  status = 200;
  readonly #news = new EventEmitter();
  url = "";

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      receiver.requests.push({ path: request.url ?? "", headers: request.headers });
      if (receiver.status === 200) receiver.#take(JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(receiver.status, { "content-type": "application/json" }).end("{}");
      receiver.#news.emit("request");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return receiver;
  }

  /** Resolves once what has come in fits. */
  async until<T>(find: () => T | undefined | false | null): Promise<T> {
    for (;;) {
      const found = find();
      if (found) return found;
      await once(this.#news, "request");
    }
  }

  /** Resolves to the first span of this name, in this trace if one is given. */
  span(name: string, traceId?: string): Promise<ReceivedSpan> {
    return this.until(() =>
      this.spans.find((it) => it.name === name && (traceId === undefined || it.traceId === traceId)),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: the form is OTLP's, and each test checks what it needs of it
  #take({ resourceSpans = [], resourceMetrics = [] }: any): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource = plain(resource.attributes);
      for (const { spans } of scopeSpans)
        for (const span of spans) this.spans.push({ ...span, attributes: plain(span.attributes) });
    }
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics)
        for (const metric of metrics) this.metrics.set(metric.name, metric);
  }
}
