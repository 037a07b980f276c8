import { fullName } from "../../base/names.js";
import type { LfsLocation } from "../../git/transport/lfs.js";
import { sendBytes } from "../answer.js";
import { Refusal } from "../refusal.js";
import { withSlot } from "../slots.js";
import { type Found, locate } from "./github.js";
import type { Asking, LfsPorts } from "./ports.js";
import { type BatchQuestion, LFS_TYPE } from "./question.js";
import { TICKET_S, type Ticket } from "./ticket.js";

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
  const others = objects.filter(({ oid }) => keptSize(ports, asking, oid) === null);
  // What is kept came from GitHub for this repository, whose pointers name it: GitHub need not be asked again.
  const found =
    others.length === 0
      ? NOTHING
      : await withSlot(ports.asking, asking.signal, () => locate(ports, asking, others));
  const answers = objects.map((object) => answerFor(ports, { asking, origin, found }, object));
  sendBytes(
    response,
    { type: LFS_TYPE, source: others.length === 0 ? "mirror" : "github", provenAt: null },
    JSON.stringify({ transfer: "basic", objects: answers, hash_algo: "sha256" }),
  );
}

const NOTHING: Found = { byOid: new Map(), asApp: false };

/** @returns the size of an object that is kept with the mirror, in bytes; null: it is not */
function keptSize({ kept }: LfsPorts, { right }: Asking, oid: string): number | null {
  return right.repositoryId === null ? null : (kept?.sizeOf(right.repositoryId, oid) ?? null);
}

interface Context {
  asking: Asking;
  origin: string;
  found: Found;
}

function answerFor(ports: LfsPorts, context: Context, { oid, size }: Wanted) {
  const { asking, found } = context;
  const { repositoryId } = asking.right;
  const kept = keptSize(ports, asking, oid);
  if (kept !== null && repositoryId !== null)
    return {
      oid,
      size: kept,
      actions: { download: ownAddress(ports, context, { repositoryId, oid, size: kept }) },
    };
  const location = found.byOid.get(oid);
  if (!location?.download) return { oid, size, error: errorOf(location) };
  const { download, isAuthenticated } = location;
  const { header = {} } = download;
  if (!found.asApp || repositoryId === null || isWithoutSecret(download))
    return { oid, size, ...(isAuthenticated ? { authenticated: true } : {}), actions: { download } };
  ports.locations.put({ repositoryId, oid }, { href: download.href, header });
  const ticket = { repositoryId, oid, size: location.size ?? size };
  return { oid, size, actions: { download: ownAddress(ports, context, ticket) } };
}

/** Writes an address of this server's, where the reader's right is judged again. */
function ownAddress({ tickets }: LfsPorts, { asking, origin }: Context, ticket: Ticket) {
  const path = `${fullName(asking.route)}.git/info/lfs/objects/${ticket.oid}`;
  return { href: `${origin}/${path}?${tickets.write(ticket)}`, expires_in: TICKET_S };
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
