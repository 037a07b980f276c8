import { deflateSync, gzipSync } from "node:zlib";
import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { type Headers, requestOf } from "../request.js";
import { LIVE, OWNER, type Target, TRAPS } from "../target.js";

/** A length that git gives no line. */
const WRONG_LENGTHS = ["0003", "fff0", "ffff", "zzzz", "    ", "-001", "0x10"];
const NO_OBJECT = "1".repeat(40);
const BOMB_BYTES = 2 ** 20;
const MANY = 3_000;

const pkt = (text: string): string => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
const DELIMITER = "0001";
const FLUSH = "0000";

/** What a reader may ask for by a line; each of these is understood, half understood, or not. */
function lineOf({ tips }: Target["serving"], random: Random): string {
  const object = one(random, [...tips, NO_OBJECT, "HEAD", "refs/lockstep/kept", "x".repeat(40), ""]);
  return one(random, [
    `want ${object}\n`,
    `WANT ${object}\n`,
    `want ${object} side-band-64k ofs-delta\n`,
    `have ${object}\n`,
    `shallow ${object}\n`,
    "deepen 1\n",
    "deepen -1\n",
    "deepen 99999999999999999999\n",
    "deepen-since 0\n",
    "deepen-not refs/lockstep/kept/heads/main/1\n",
    "deepen-relative\n",
    "filter blob:none\n",
    `filter sparse:oid=${object}\n`,
    "filter combine:tree:0+blob:none\n",
    "ref-prefix refs/\n",
    "ref-prefix refs/lockstep/\n",
    "want-ref refs/heads/main\n",
    "include-tag\n",
    "thin-pack\n",
    "ofs-delta\n",
    "no-progress\n",
    "agent=git/2.39.5\n",
    "object-format=sha256\n",
    "server-option=x\n",
    "size\n",
    `oid ${object}\n`,
    "packfile-uris https\n",
    "done\n",
    "\n",
    "\0",
  ]);
}

const COMMANDS = ["fetch", "fetch", "fetch", "ls-refs", "object-info", "FETCH", "bundle-uri", ""];

function bodyOf({ serving }: Target, random: Random): Buffer {
  const lines = Array.from({ length: 1 + random.below(12) }, () => pkt(lineOf(serving, random)));
  const many = random.chance(0.02)
    ? Array.from({ length: MANY }, (_, n) => pkt(`have ${n.toString(16).padStart(40, "0")}\n`))
    : [];
  const text = random.chance(0.7)
    ? `${pkt(`command=${one(random, COMMANDS)}\n`)}${DELIMITER}${[...lines, ...many].join("")}${FLUSH}`
    : [...lines, ...many, FLUSH, pkt("done\n")].join("");
  return Buffer.from(spoiled(text, random), "latin1");
}

/** Most requests have one thing wrong beside their lines. */
function spoiled(text: string, random: Random): string {
  const at = random.below(text.length);
  return one(random, [
    text,
    text,
    text.slice(0, at),
    text.slice(0, at) + one(random, WRONG_LENGTHS) + text.slice(at),
    text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1),
    text + text,
    FLUSH,
    "",
  ]);
}

function packed(body: Buffer, random: Random): { headers: Headers; body: Buffer } {
  return one(random, [
    { headers: [], body },
    { headers: [], body },
    { headers: [["content-encoding", "gzip"]], body: gzipSync(body) },
    { headers: [["content-encoding", "gzip"]], body },
    { headers: [["content-encoding", "deflate"]], body: deflateSync(body) },
    { headers: [["content-encoding", "gzip"]], body: gzipSync(Buffer.alloc(BOMB_BYTES, FLUSH)) },
  ]);
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, "latin1").toString("base64")}`;

/** Credentials that open nothing. */
const wrongCredentials = ({ token, secret }: Target, random: Random): Headers =>
  one<Headers>(random, [
    [],
    [["authorization", basic("x", `lockstep_${"a".repeat(43)}`)]],
    // What opens the API, or signs deliveries, reads no mirror.
    [["authorization", `Bearer ${token}`]],
    [["authorization", basic("x", secret)]],
    [["authorization", "Basic ="]],
    [["authorization", "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."]],
    [["authorization", `Negotiate ${"A".repeat(2_000)}`]],
    [
      ["authorization", "Bearer a"],
      ["authorization", "Bearer b"],
    ],
  ]);

const PLACES = [
  "git-upload-pack",
  "info/refs?service=git-upload-pack",
  "info/refs",
  "git-receive-pack",
  "HEAD",
];

/** Readers who are none, and one who may read the live repository and sends whatever comes to his mind. */
export const SERVING: Attack = {
  name: "serving",
  weight: 6,
  about:
    "readers with wrong credentials or none, git's lines of every wrong kind and length, hidden objects, bombs",
  make(target, { random }) {
    const { serving } = target;
    const isReader = random.chance(0.5);
    const name = one(random, [LIVE, LIVE, LIVE, ...TRAPS, "unknown", "..", "live.git"]);
    const place = one(random, [...PLACES.slice(0, 1), ...PLACES.slice(0, 1), ...PLACES]);
    const { headers, body } = packed(bodyOf(target, random), random);
    const credentials: Headers = isReader
      ? [["authorization", basic("x-access-token", serving.token)]]
      : wrongCredentials(target, random);
    const isPost = random.chance(0.9) === (place.includes("info") === false);
    const bytes = requestOf({
      method: isPost ? "POST" : "GET",
      path: `/${OWNER}/${name}${random.chance(0.5) ? ".git" : ""}/${place}`,
      headers: [
        [
          "git-protocol",
          one(random, ["version=2", "version=2", "version=1", "version=0", "version=9", ":::"]),
        ],
        ["content-type", random.chance(0.95) ? "application/x-git-upload-pack-request" : "text/plain"],
        ...credentials,
        ...headers,
      ],
      ...(isPost ? { body } : {}),
    });
    return {
      bytes,
      port: serving.port,
      isVerified: isReader,
      expected: isReader ? "anything" : "refusal",
      secrets: serving.hidden,
    };
  },
};
