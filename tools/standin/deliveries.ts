import { randomUUID } from "node:crypto";
import type { Answer } from "./types.js";

/** One webhook call as the App's deliveries API returns it. */
export interface DeliveryRecord {
  id: number;
  guid: string;
  event: string;
  action: string | null;
  deliveredAt: string;
  redelivery: boolean;
  durationS: number;
  /** 0 when the server could not be reached. */
  statusCode: number;
  installationId: number | null;
  repositoryId: number | null;
  headers: Record<string, string>;
  /** A function is called for the detail alone, so that a hundred thousand of them cost nothing. */
  payload: unknown;
}

export interface NewDelivery extends Partial<Omit<DeliveryRecord, "id" | "deliveredAt">> {
  deliveredAt?: string | number | Date;
  /** The API lists it this much later than it was recorded. */
  appearAfterMs?: number;
}

interface Entry {
  record: DeliveryRecord;
  deliveredAt: number;
  /** The latest `deliveredAt` of this entry and all before it. */
  latest: number;
  appearsAt: number;
}

const FIRST_ID = 10_001;
const GATEWAY_ERROR = 502;
const DAY_MS = 24 * 3_600_000;
const NOT_FOUND: Answer = { status: 404, body: { message: "Not Found" } };

/** GitHub's log of what it delivered, newest first, which the API pages by cursor. */
export class Deliveries {
  /** What was delivered earlier than this is gone; GitHub Enterprise Server keeps seven days. */
  windowMs = 3 * DAY_MS;
  /** For records that name none of their own. */
  appearAfterMs = 0;
  /** In the order of their ids, which have no gaps. */
  readonly #entries: Entry[] = [];
  readonly #guids = new Set<string>();
  readonly #held = new Set<string>();

  /** A copy, newest first, whatever the API shows. */
  get all(): DeliveryRecord[] {
    return this.#entries.map(({ record }) => record).reverse();
  }

  get size(): number {
    return this.#entries.length;
  }

  has(guid: string): boolean {
    return this.#guids.has(guid);
  }

  /** The defaults are those of a push that has just been lost. */
  record({ appearAfterMs = this.appearAfterMs, deliveredAt, ...delivery }: NewDelivery): DeliveryRecord {
    const at = new Date(deliveredAt ?? Date.now());
    const record: DeliveryRecord = {
      id: FIRST_ID + this.#entries.length,
      guid: randomUUID(),
      event: "push",
      action: null,
      redelivery: false,
      durationS: 0,
      statusCode: 0,
      installationId: null,
      repositoryId: null,
      headers: {},
      payload: {},
      ...delivery,
      deliveredAt: at.toISOString(),
    };
    const latest = Math.max(at.getTime(), this.#entries.at(-1)?.latest ?? 0);
    const appearsAt = Date.now() + appearAfterMs;
    this.#entries.push({ record, deliveredAt: at.getTime(), latest, appearsAt });
    this.#guids.add(record.guid);
    return record;
  }

  /** Records this many deliveries, the oldest first. */
  bulk(count: number, make: (index: number) => NewDelivery = () => ({})): DeliveryRecord[] {
    return Array.from({ length: count }, (_, index) => this.record(make(index)));
  }

  /** Keeps a delivery, already recorded or to come, out of the API. */
  hold(guid: string): void {
    this.#held.add(guid);
  }

  /** Releases a delivery into the API at the place of its id, behind a reader that has passed the place. */
  release(guid: string): void {
    this.#held.delete(guid);
  }

  list(url: URL): Answer {
    const size = Math.min(Number(url.searchParams.get("per_page") ?? 30), 100);
    const cursor = cursorOf(url.searchParams.get("cursor"));
    if (cursor === null) return { status: 422, body: { message: "Invalid cursor" } };
    const found = this.#before(cursor, size + 1, url.searchParams.get("status"));
    const body = found.slice(0, size);
    if (found.length <= size) return { status: 200, body: body.map(summary) };
    const next = new URL(url);
    next.searchParams.set("cursor", `v1_${body.at(-1)!.id}`);
    return { status: 200, body: body.map(summary), headers: { link: `<${next}>; rel="next"` } };
  }

  detail(id: number): Answer {
    const entry = this.#entries[id - FIRST_ID];
    if (!entry || !this.#isListed(entry)) return NOT_FOUND;
    const { headers, payload } = entry.record;
    const request = { headers, payload: typeof payload === "function" ? payload() : payload };
    return {
      status: 200,
      body: { ...summary(entry.record), url: "", request, response: { headers: {}, payload: "" } },
    };
  }

  #before(cursor: number, count: number, status: string | null): DeliveryRecord[] {
    const found: DeliveryRecord[] = [];
    const expired = Date.now() - this.windowMs;
    let index = Math.min(cursor - FIRST_ID, this.#entries.length) - 1;
    for (; index >= 0 && found.length < count; index -= 1) {
      const entry = this.#entries[index]!;
      if (entry.latest < expired) break;
      const isWanted = !status || isOk(entry.record) === (status === "success");
      if (isWanted && this.#isListed(entry)) found.push(entry.record);
    }
    return found;
  }

  #isListed({ record, deliveredAt, appearsAt }: Entry): boolean {
    const now = Date.now();
    return deliveredAt >= now - this.windowMs && appearsAt <= now && !this.#held.has(record.guid);
  }
}

/** @returns the id that a page ends before, or null for what GitHub never wrote. */
function cursorOf(text: string | null): number | null {
  if (text === null) return Number.POSITIVE_INFINITY;
  const id = /^v1_(\d+)$/.exec(text)?.[1];
  return id === undefined ? null : Number(id);
}

const isOk = (it: DeliveryRecord): boolean => it.statusCode >= 200 && it.statusCode < 400;

function summary(it: DeliveryRecord) {
  return {
    id: it.id,
    guid: it.guid,
    delivered_at: it.deliveredAt,
    redelivery: it.redelivery,
    duration: it.durationS,
    status: isOk(it) ? "OK" : it.statusCode === 0 ? "failed to connect to host" : "Invalid HTTP Response",
    status_code: it.statusCode || GATEWAY_ERROR,
    event: it.event,
    action: it.action,
    installation_id: it.installationId,
    repository_id: it.repositoryId,
    throttled_at: null,
  };
}
