import { fullName } from "../../base/names.js";
import type { LfsLocation } from "../../git/transport/lfs.js";
import { sendBytes } from "../answer.js";
import { Refusal } from "../refusal.js";
import { withSlot } from "../slots.js";
import { type Found, locate } from "./github.js";
import type { Asking, LfsPorts } from "./ports.js";
import { type BatchQuestion, LFS_TYPE } from "./question.js";
import { TICKET_S } from "./ticket.js";

export const NO_UPLOADS =
  "Lockstep serves mirrors for reading alone. Push to GitHub, and its files of Git LFS, too: " +
  "git config --global url.https://github.com/.pushInsteadOf <this server>/";

type Wanted = BatchQuestion["objects"][number];

/**
 * Answers where objects can be downloaded. What GitHub said to the reader's own credentials is passed on, as far as it was
 * understood; what it said to the App's is passed on only without headers, which may hold a credential of the App's.
 * @param origin how the reader calls this server
 * @throws Refusal
 */
export async function sendBatch(ports: LfsPorts, asking: Asking, origin: string): Promise<void> {
  const { request, response } = asking;
  if (/100-continue/i.test(request.headers.expect ?? "")) response.writeContinue();
  const { operation, objects } = await ports.readQuestion(request);
  if (operation === "upload") throw new Refusal(403, NO_UPLOADS);
  const found = await withSlot(ports.asking, asking.signal, () => locate(ports, asking, objects));
  const answers = objects.map((object) => answerFor(ports, { asking, origin, found }, object));
  sendBytes(
    response,
    { type: LFS_TYPE, source: "github", provenAt: null },
    JSON.stringify({ transfer: "basic", objects: answers, hash_algo: "sha256" }),
  );
}

interface Context {
  asking: Asking;
  origin: string;
  found: Found;
}

function answerFor(ports: LfsPorts, { asking, origin, found }: Context, { oid, size }: Wanted) {
  const location = found.byOid.get(oid);
  if (!location?.download) return { oid, size, error: errorOf(location) };
  const { download, isAuthenticated } = location;
  const { repositoryId } = asking.right;
  const { header = {} } = download;
  if (!found.asApp || repositoryId === null || isWithoutSecret(download))
    return { oid, size, ...(isAuthenticated ? { authenticated: true } : {}), actions: { download } };
  const object = { repositoryId, oid };
  ports.locations.put(object, { href: download.href, header });
  const ticket = ports.tickets.write({ ...object, size: location.size ?? size });
  const href = `${origin}/${fullName(asking.route)}.git/info/lfs/objects/${oid}?${ticket}`;
  return { oid, size, actions: { download: { href, expires_in: TICKET_S } } };
}

/** The signature in an address is good for its one object, and for some minutes. */
function isWithoutSecret({ href, header = {} }: NonNullable<LfsLocation["download"]>): boolean {
  const { username, password } = new URL(href);
  return Object.keys(header).length === 0 && username === "" && password === "";
}

const MAX_MESSAGE = 200;

function errorOf(location: LfsLocation | undefined): { code: number; message: string } {
  if (location?.error) return { ...location.error, message: location.error.message.slice(0, MAX_MESSAGE) };
  return location === undefined
    ? { code: 404, message: "Object does not exist" }
    : { code: 502, message: "GitHub's answer has no address that can be used" };
}
