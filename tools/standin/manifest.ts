import { randomBytes } from "node:crypto";
import type { Answer, AppIdentity } from "./types.js";
import type { World } from "./world.js";

interface Manifest {
  name: string;
  url: string;
  public: boolean;
  redirect_url: string;
  setup_url?: string;
  hook_attributes: { url: string };
  default_permissions: Record<string, string>;
  default_events: string[];
}

export interface Page {
  status: number;
  /** HTML, or where the browser goes next. */
  html?: string;
  location?: string;
}

/**
 * GitHub's pages that register an App from a manifest, and install it.
 * https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 */
export class Manifests {
  /** The last one that was sent. */
  manifest: Manifest | undefined;
  /** What is done when the account installs the App. */
  onInstall: () => void = () => {};
  readonly #codes = new Set<string>();

  constructor(
    private readonly app: AppIdentity,
    private readonly world: World,
    private readonly hookConfig: Record<string, unknown>,
  ) {}

  /** @returns null: the request is not for one of GitHub's pages */
  page(method: string, url: URL, form: string): Page | null {
    const path = url.pathname.replace(/^\/organizations\/[^/]+/, "");
    if (path === "/settings/apps/new" && method === "POST")
      return this.#review(new URLSearchParams(form).get("manifest") ?? "", url.search);
    if (path === "/settings/apps/create" && method === "POST")
      return this.#create(url.searchParams.get("state"));
    if (path !== "/apps/lockstep/installations/new") return null;
    return method === "POST" ? this.#install() : page("Install Lockstep", url.pathname, "Install");
  }

  #review(text: string, search: string): Page {
    const manifest = JSON.parse(text) as Manifest;
    if (!URL.canParse(manifest.hook_attributes.url)) return { status: 422, html: "Hook url is invalid" };
    this.manifest = manifest;
    const rights = Object.entries(manifest.default_permissions).map(([name, level]) => `${name}: ${level}`);
    const text_ = `${rights.join(", ")}; events: ${manifest.default_events.join(", ")}`;
    const create = `/settings/apps/create${search}`;
    return page(`Create GitHub App “${manifest.name}”`, create, "Create GitHub App", text_);
  }

  /** What the page that sent the manifest gave along comes back to it. */
  #create(state: string | null): Page {
    const code = randomBytes(20).toString("hex");
    this.#codes.add(code);
    const location = new URL(this.manifest!.redirect_url);
    location.searchParams.set("code", code);
    if (state !== null) location.searchParams.set("state", state);
    return { status: 302, location: location.href };
  }

  /** POST /app-manifests/{code}/conversions: each code counts once. */
  convert(code: string, origin: string): Answer {
    if (!this.#codes.delete(code)) return { status: 404, body: { message: "Not Found" } };
    const { default_permissions, default_events, hook_attributes, name } = this.manifest!;
    Object.assign(this.hookConfig, hook_attributes);
    Object.assign(this.world.rights, { permissions: default_permissions, events: default_events });
    const { appId: id, privateKey: pem, webhookSecret: webhook_secret } = this.app;
    const client = { client_id: "Iv1.0123456789abcdef", client_secret: "client-secret-of-the-stand-in" };
    const html_url = `${origin}/apps/lockstep`;
    return { status: 201, body: { id, slug: "lockstep", name, pem, webhook_secret, html_url, ...client } };
  }

  #install(): Page {
    this.onInstall();
    const { setup_url } = this.manifest ?? {};
    if (setup_url) return { status: 302, location: `${setup_url}?installation_id=1&setup_action=install` };
    return { status: 200, html: document("Lockstep is installed", "") };
  }
}

const page = (title: string, action: string, button: string, text = ""): Page => ({
  status: 200,
  html: document(
    title,
    `<p>${text}</p><form method="post" action="${action}"><button>${button}</button></form>`,
  ),
});

const document = (title: string, body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<body style="font: 16px sans-serif; max-width: 40em; margin: 3em auto"><h1>${title}</h1>${body}</body></html>`;
