import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { type Headers, requestOf } from "../request.js";
import { OWNER, type Target } from "../target.js";

const ACTIONS = [
  `/repos/${OWNER}/paused/resume`,
  `/repos/${OWNER}/quiet/refresh`,
  `/repos/${OWNER}/quiet/pause`,
  `/repos/${OWNER}/held/pause`,
  `/repos/${OWNER}/held/allow`,
  `/repos/${OWNER}/held/restore`,
  "/installations/1001/confirm-removal",
  "/sign-out",
  "/sign-in",
];
const API_ACTIONS = [
  `/api/v1/repos/${OWNER}/paused/resume`,
  `/api/v1/repos/${OWNER}/quiet/refresh?wait=1s`,
  `/api/v1/repos/${OWNER}/held/allow`,
];
/** Null leaves the header out. */
const ORIGINS = [
  null,
  "null",
  "",
  "https://evil.example",
  "http://localhost.evil.example",
  "http://localhost:1",
  "http://localhost@evil.example",
  "https://localhost:80",
  "http://[",
  "file://",
  "localhost",
  "http://xn--",
];
const BODIES: [type: string, body: string][] = [
  ["application/x-www-form-urlencoded", "ref=refs%2Fheads%2Fmain&from=//evil.example&confirm=yes"],
  ["application/x-www-form-urlencoded", ""],
  [
    "multipart/form-data; boundary=x",
    '--x\r\ncontent-disposition: form-data; name="ref"\r\n\r\nrefs/heads/main\r\n--x--\r\n',
  ],
  ["multipart/form-data", "x"],
  ["text/plain", '{"ref":"refs/heads/main"}'],
  ["application/json", '{"ref":"*"}'],
];

/** The cookie that a browser sends along with another site's form, or a made one. */
const cookieOf = (random: Random, target: Target): Headers[0] => [
  "cookie",
  random.chance(0.7) ? target.cookie : `lockstep=${random.next()}.${Date.UTC(2100, 0)}.AAAA`,
];

export const CROSS_ORIGIN: Attack = {
  name: "cross-origin",
  weight: 10,
  about:
    "posts to the page's actions with another or no Origin and the cookie of an open session, and to the API without the token",
  make(target, { random }) {
    const isPage = random.chance(0.8);
    const origin = one(random, ORIGINS);
    const [type, body] = one(random, BODIES);
    const headers: Headers = [
      cookieOf(random, target),
      ["content-type", type],
      ["sec-fetch-site", one(random, ["cross-site", "same-site", "none", "same-origin"])],
      ["sec-fetch-mode", "navigate"],
    ];
    if (origin !== null) headers.push(["origin", origin]);
    if (random.chance(0.2))
      headers.push(["x-forwarded-host", "evil.example"], ["x-http-method-override", "POST"]);
    const path = one(random, isPage ? ACTIONS : API_ACTIONS);
    const bytes = requestOf({ path, headers, body: Buffer.from(body), isKept: true });
    return { bytes, isVerified: false, expected: "refusal", ending: "keep" };
  },
};
