import { type ClientOptions, createAppClient } from "./client.js";
import { callRest } from "./rest.js";

export interface AppRights {
  permissions: Record<string, string | undefined>;
  events: string[];
}

export interface InspectedInstallation extends AppRights {
  id: number;
  login: string;
  suspended: boolean;
}

/** The calls of a check-up to GitHub; each throws RefreshError. The calls change nothing at GitHub. */
export interface Inspector {
  /**
   * Returns GitHub's clock, in milliseconds; null: the answer has no clock. The call needs no credentials.
   */
  clock(): Promise<number | null>;
  app(): Promise<AppRights & { slug: string; owner: string }>;
  installations(): Promise<InspectedInstallation[]>;
  hook(): Promise<{ url: string; verifiesTls: boolean; hasSecret: boolean }>;
  /** Lists deliveries, the newest first. */
  deliveries(): Promise<{ event: string; deliveredAt: number; statusCode: number }[]>;
  close(): Promise<void>;
}

export function createInspector(options: ClientOptions): Inspector {
  const { app, shared, close } = createAppClient(options);
  const rights = (found: { permissions: unknown; events?: unknown }): AppRights => ({
    permissions: found.permissions as AppRights["permissions"],
    events: (found.events as string[] | undefined) ?? [],
  });
  return {
    clock: () =>
      callRest(async () => {
        const answer = await shared("nobody").request.fetch(`${options.apiUrl}/`);
        const at = Date.parse(answer.headers.get("date") ?? "");
        return Number.isNaN(at) ? null : at;
      }),
    app: () =>
      callRest(async () => {
        const { data } = await app.rest.apps.getAuthenticated();
        const owner = data?.owner && "login" in data.owner ? data.owner.login : "";
        return { slug: data?.slug ?? "", owner, ...rights(data ?? { permissions: {} }) };
      }),
    installations: () =>
      callRest(async () => {
        const all = await app.paginate(app.rest.apps.listInstallations, { per_page: 100 });
        return all.map((it) => ({
          id: it.id,
          login: it.account && "login" in it.account ? it.account.login : "",
          suspended: Boolean(it.suspended_at),
          ...rights(it),
        }));
      }),
    hook: () =>
      callRest(async () => {
        const { data } = await app.rest.apps.getWebhookConfigForApp();
        const verifiesTls = String(data.insecure_ssl ?? "0") === "0";
        return { url: data.url ?? "", verifiesTls, hasSecret: Boolean(data.secret) };
      }),
    deliveries: () =>
      callRest(async () => {
        const { data } = await app.rest.apps.listWebhookDeliveries({ per_page: 100 });
        return data.map(({ event, delivered_at, status_code }) => ({
          event,
          deliveredAt: Date.parse(delivered_at),
          statusCode: status_code,
        }));
      }),
    close,
  };
}
