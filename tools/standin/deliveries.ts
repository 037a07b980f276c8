import type { Answer } from "./rest.js";

/** One webhook call as the App's deliveries API tells it. */
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
  payload: unknown;
}

const GATEWAY_ERROR = 502;

/** GitHub's log of what it delivered, newest first, which the API pages by cursor. */
export class Deliveries {
  readonly all: DeliveryRecord[] = [];
  #lastId = 10_000;

  record(delivery: Omit<DeliveryRecord, "id">): DeliveryRecord {
    this.#lastId += 1;
    const record = { ...delivery, id: this.#lastId };
    this.all.unshift(record);
    return record;
  }

  list(url: URL): Answer {
    const size = Math.min(Number(url.searchParams.get("per_page") ?? 30), 100);
    const cursor = Number(url.searchParams.get("cursor") ?? Number.POSITIVE_INFINITY);
    const status = url.searchParams.get("status");
    const wanted = this.all.filter(
      (it) => it.id < cursor && (!status || isOk(it) === (status === "success")),
    );
    const body = wanted.slice(0, size);
    if (wanted.length <= size) return { status: 200, body: body.map(summary) };
    const next = new URL(url);
    next.searchParams.set("cursor", String(body.at(-1)!.id));
    return { status: 200, body: body.map(summary), headers: { link: `<${next}>; rel="next"` } };
  }

  detail(id: number): Answer {
    const found = this.all.find((it) => it.id === id);
    if (!found) return { status: 404, body: { message: "Not Found" } };
    const request = { headers: found.headers, payload: found.payload };
    return {
      status: 200,
      body: { ...summary(found), url: "", request, response: { headers: {}, payload: "" } },
    };
  }
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
