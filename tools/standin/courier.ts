import { createHmac, randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Agent, request } from "undici";
import type { Deliveries } from "./deliveries.js";
import { merged, payloadFor } from "./payload.js";
import type { StaleCopies } from "./stale.js";
import type { AppIdentity, Push } from "./types.js";

export interface DeliverOptions {
  /** The webhook URL; none: the delivery is lost, and only the deliveries API knows of it. */
  to?: string;
  /** The delivery's GUID; default a new one. */
  id?: string;
  /** What it is signed with; default the App's secret. */
  secret?: string;
  /** Changes to the payload. */
  payload?: Record<string, unknown>;
  /** Further or other headers; an empty value leaves one out. */
  headers?: Record<string, string>;
  gzip?: boolean;
  /** When the deliveries API says it was sent; default now. */
  deliveredAt?: string | number | Date;
  /** The deliveries API lists it this much later. */
  appearAfterMs?: number;
}

export interface Delivered {
  /** The delivery's GUID. */
  id: string;
  status: number;
  body: string;
  /** performance.now() just before the request went out. */
  sentAt: number;
}

const NOT_REACHED = 0;

/** Sends webhooks as GitHub does, over a kept connection. */
export class Courier {
  readonly #agent = new Agent({ keepAliveTimeout: 60_000, connections: 64 });

  constructor(
    private readonly app: AppIdentity,
    private readonly deliveries: Deliveries,
    private readonly stale: StaleCopies,
    private readonly origin: () => string,
  ) {}

  payloadFor(push: Push): Record<string, unknown> {
    return payloadFor(push, this.origin());
  }

  async deliver(push: Push, options: DeliverOptions): Promise<Delivered> {
    const payload = merged(this.payloadFor(push), options.payload ?? {});
    this.stale.delivered(push.repo);
    return this.deliverEvent("push", payload, { ...options, payload: {} });
  }

  async deliverEvent(
    event: string,
    payload: Record<string, unknown>,
    options: DeliverOptions,
  ): Promise<Delivered> {
    const id = options.id ?? randomUUID();
    const final = merged(payload, options.payload ?? {});
    const json = JSON.stringify(final);
    const headers = this.#headers(event, id, json, options);
    const redelivery = this.deliveries.has(id);
    const deliveredAt = options.deliveredAt ?? Date.now();
    const late = options.appearAfterMs === undefined ? {} : { appearAfterMs: options.appearAfterMs };
    const record = (statusCode: number, durationS: number) =>
      this.deliveries.record({
        guid: id,
        event,
        deliveredAt,
        redelivery,
        statusCode,
        durationS,
        headers,
        payload: final,
        ...late,
        action: (final.action as string | undefined) ?? null,
        installationId: idOf(final.installation),
        repositoryId: idOf(final.repository),
      });
    const sentAt = performance.now();
    const elapsed = (): number => (performance.now() - sentAt) / 1000;
    if (options.to === undefined) {
      record(NOT_REACHED, 0);
      return { id, status: NOT_REACHED, body: "", sentAt };
    }
    try {
      const body = options.gzip ? gzipSync(json) : json;
      const response = await request(options.to, {
        method: "POST",
        headers,
        body,
        dispatcher: this.#agent,
      });
      const text = await response.body.text();
      record(response.statusCode, elapsed());
      return { id, status: response.statusCode, body: text, sentAt };
    } catch (error) {
      record(NOT_REACHED, elapsed());
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /** https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers */
  #headers(event: string, id: string, json: string, options: DeliverOptions): Record<string, string> {
    const secret = options.secret ?? this.app.webhookSecret;
    const headers = {
      accept: "*/*",
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/stand-in",
      "x-github-delivery": id,
      "x-github-event": event,
      "x-github-hook-id": "1",
      "x-github-hook-installation-target-id": String(this.app.appId),
      "x-github-hook-installation-target-type": "integration",
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(json).digest("hex")}`,
      ...(options.gzip ? { "content-encoding": "gzip" } : {}),
      ...options.headers,
    };
    return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
  }
}

const idOf = (thing: unknown): number | null => (thing as { id?: number } | undefined)?.id ?? null;
