import { Transform } from "node:stream";
import { FLUSH, pktLine } from "./pktline.js";
import { OPTIONS } from "./request/version-zero.js";

const SERVICE = pktLine("# service=git-upload-pack") + FLUSH;
const AGENT = "agent=git/lockstep";

/** The header lines of an answer to `info/refs`. */
export const ADVERTISEMENT_TYPE = "application/x-git-upload-pack-advertisement";

/** What Lockstep can do in version 2, which GitHub can do, too. It says nothing of the repository. */
export const VERSION_TWO = Buffer.from(
  [
    SERVICE,
    pktLine("version 2"),
    pktLine(AGENT),
    pktLine("ls-refs=unborn"),
    pktLine("fetch=shallow filter"),
    pktLine("object-format=sha1"),
    FLUSH,
  ].join(""),
);

/** What GitHub offers in version 0 besides the options of a fetch, so that either may answer the same client. */
const OTHERS = [
  "shallow",
  "deepen-since",
  "deepen-not",
  "allow-tip-sha1-in-want",
  "allow-reachable-sha1-in-want",
];

const isOffered = (word: string): boolean =>
  ([...OPTIONS, ...OTHERS] as string[]).includes(word) || /^(?:symref|object-format)=/.test(word);

/** A first line is longer than this only if the name of the default branch is. */
const MAX_HEAD = 32 * 1024;

/** Makes git's list of refs in version 0 or 1 the answer to `info/refs`: only what Lockstep knows is offered. */
export function advertise(): Transform {
  let head: Buffer | null = Buffer.alloc(0);
  const passed = (bytes: Buffer): Buffer | null => {
    if (head === null) return bytes;
    head = Buffer.concat([head, bytes]);
    const written = writeHead(head);
    if (written === null && head.length > MAX_HEAD) throw new Error("git's list of refs has no first line");
    if (written !== null) head = null;
    return written;
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        const bytes = passed(chunk);
        if (bytes !== null) this.push(bytes);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush: (done) => done(head === null ? null : new Error("git's list of refs broke off")),
  });
}

/** GitHub's list begins with a comment and a flush, `001e# service=git-upload-pack 0000`; that of git's own program does not. */
const HASH = "#".charCodeAt(0);
const ANNOUNCED_BYTES = SERVICE.length;

/** @returns the head of the list as it is sent, with what follows; null: the first ref is not complete yet */
function writeHead(bytes: Buffer): Buffer | null {
  let at = 0;
  let before = SERVICE;
  for (;;) {
    if (bytes.length - at < 4) return null;
    if (at === 0 && bytes[4] === HASH) {
      if (bytes.length < ANNOUNCED_BYTES) return null;
      at = ANNOUNCED_BYTES;
      continue;
    }
    const length = Number.parseInt(bytes.toString("latin1", at, at + 4), 16);
    // Older gits list no capabilities where there are no refs.
    if (length === 0) return Buffer.concat([Buffer.from(before, "latin1"), bytes.subarray(at)]);
    if (!(length > 4)) throw new Error("git's list of refs is not one");
    if (bytes.length - at < length) return null;
    const line = bytes.toString("latin1", at + 4, at + length).replace(/\n$/, "");
    at += length;
    if (line.includes("\0")) {
      const first = Buffer.from(before + pktLine(cut(line)), "latin1");
      return Buffer.concat([first, bytes.subarray(at)]);
    }
    before += pktLine(line); // version 1
  }
}

function cut(line: string): string {
  const [ref = "", capabilities = ""] = line.split("\0");
  return `${ref}\0${[...capabilities.split(" ").filter(isOffered), AGENT].join(" ")}`;
}
