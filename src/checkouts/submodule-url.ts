import type { RepositoryName } from "../base/model.js";
import { isOwner, isRepositoryName } from "../base/names.js";

/**
 * GitHub also serves SSH on port 443:
 * https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
 */
const ALSO_GITHUB = ["www.github.com", "ssh.github.com"];

/**
 * Finds the repository of this GitHub that a submodule's URL means. The URL itself is never fetched.
 * @param origin such as https://github.com
 * @param parent the repository whose .gitmodules has the URL
 * @returns null when the URL leads to another host
 */
export function repositoryOf(url: string, parent: RepositoryName, origin: string): RepositoryName | null {
  if (/^\.\.?\//.test(url)) return parseName(relative(url, parent));
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)\/?(.+)$/.exec(url);
  if (scp) return isHere(scp[1]!, null, origin) ? parseName(scp[2]!) : null;
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, port, pathname } = new URL(url);
  if (!["https:", "http:", "ssh:", "git:", "git+ssh:"].includes(protocol)) return null;
  const isWeb = protocol.startsWith("http");
  return isHere(hostname, isWeb ? port : null, origin) ? parseName(pathname.slice(1)) : null;
}

/** A URL that begins with ./ or ../ is relative to the URL of the repository: gitmodules(5). */
function relative(url: string, { owner, name }: RepositoryName): string {
  const parts = [owner, name];
  let rest = url;
  for (let step = /^(\.\.?)\//.exec(rest); step; step = /^(\.\.?)\//.exec(rest)) {
    if (step[1] === ".." && parts.pop() === undefined) return "";
    rest = rest.slice(step[0].length);
  }
  return [...parts, rest].join("/");
}

function isHere(hostname: string, port: string | null, origin: string): boolean {
  const here = new URL(origin);
  const host = hostname.toLowerCase();
  if (here.hostname === "github.com" && ALSO_GITHUB.includes(host)) return true;
  return host === here.hostname && (port === null || port === here.port);
}

function parseName(path: string): RepositoryName | null {
  const [owner = "", name = "", ...rest] = path
    .replace(/\/+$/, "")
    .replace(/\.git$/i, "")
    .split("/");
  return rest.length === 0 && isOwner(owner) && isRepositoryName(name) ? { owner, name } : null;
}
