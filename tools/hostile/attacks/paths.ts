import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { type Headers, requestOf } from "../request.js";
import { LIVE, OWNER, type Target } from "../target.js";

const METHODS = [
  "GET",
  "GET",
  "GET",
  "POST",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "PATCH",
  "TRACE",
  "PROPFIND",
  "CONNECT",
];
const ROOTS = [
  "/api/v1/repos/",
  "/api/v1/",
  "/repos/",
  "/assets/",
  "/",
  "/api/v1/installations/",
  "/api/v1/deliveries/",
];
const STEPS = [
  "..",
  ".",
  "%2e%2e",
  "%2E%2e%2F",
  "..%2f",
  "..%5c",
  "..\\",
  "%252e%252e",
  "%c0%ae%c0%ae",
  "%00",
  "%0d%0a",
  "%ff",
  "%",
  "%zz",
  "%u002e",
  "\xff",
  "\x01",
  "",
  ";",
  "*",
  "?",
  "#",
  "__proto__",
  "constructor",
  "-rf",
  "--upload-pack=x",
  ".git",
  "con",
  "lockstep.db",
  "etc/passwd",
  "acme",
  "live",
  "quiet",
  "paused.git",
  "HELD",
  "refs",
  "kept",
  "refresh",
  "resume",
  "confirm-removal",
  "1",
  "-1",
  "1e3",
  "99999999999999999999",
  "a".repeat(300),
  "%41".repeat(500),
];
const WHOLE = [
  "*",
  "http://evil.example/api/v1/repos",
  "//evil.example/",
  "/\\evil.example",
  "http://[",
  "",
  "x",
  "/probot/setup",
  "/probot/stats",
  "/ping",
];
/** Parameters that some list or stream reads. */
const PARAMETERS = [
  "limit",
  "cursor",
  "state",
  "installation",
  "name",
  "outcome",
  "repository",
  "wait",
  "in",
  "after",
  "next",
  "ref",
  "since",
  "lines",
];
const VALUES = [
  "",
  "0",
  "-1",
  "1.5",
  "1001",
  "99999",
  "NaN",
  "null",
  "[]",
  "%00",
  "%ff",
  "'; DROP TABLE repositories; --",
  "%27%20OR%201=1",
  "**********************************",
  "[a-z",
  "(a%2B)%2B$",
  "acme/live/x",
  "../..",
  "1d",
  "30",
  "-5s",
  "999h",
  "W10",
  "bnVsbA",
  "eyJhIjoxfQ",
  "WyJhIiwtMV0",
  "WzFlOTk5LCJ4Il0",
  "%F0%9F%92%A9",
  "x".repeat(3_000),
];
const LISTS = [
  "/api/v1/repos",
  "/api/v1/deliveries",
  "/api/v1/queue",
  "/api/v1/installations",
  "/api/v1/events",
  `/api/v1/repos/${OWNER}/${LIVE}/refreshes`,
  `/api/v1/repos/${OWNER}/${LIVE}/refs`,
  `/api/v1/repos/${OWNER}/${LIVE}/changes`,
  `/api/v1/repos/${OWNER}/${LIVE}/kept`,
  `/api/v1/repos/${OWNER}/${LIVE}/holds`,
  `/api/v1/repos/${OWNER}/${LIVE}/contains/${"a".repeat(40)}`,
  "/deliveries",
  "/",
  "/healthz",
];

function pathOf(random: Random): string {
  if (random.chance(0.1)) return one(random, WHOLE);
  const steps = Array.from({ length: 1 + random.below(6) }, () => one(random, STEPS));
  return `${one(random, ROOTS)}${steps.join(random.chance(0.9) ? "/" : "//")}`;
}

function queryOf(random: Random): string {
  const parameters = Array.from(
    { length: 1 + random.below(4) },
    () => `${one(random, PARAMETERS)}=${one(random, VALUES)}`,
  );
  return `${one(random, LISTS)}?${parameters.join("&")}`;
}

/** Whether a request may carry the right to act: an action upon a repository that nothing may change must not. */
const isHarmless = (method: string, path: string): boolean =>
  ["GET", "HEAD"].includes(method) && !/quiet|paused|held/i.test(path);

/** The token for the API, the session for the page, both wrong, or nothing. */
function rightsOf(
  random: Random,
  target: Target,
  mayAct: boolean,
): { headers: Headers; isVerified: boolean } {
  if (mayAct && random.chance(0.5)) {
    const headers: Headers = [
      ["authorization", `Bearer ${target.token}`],
      ["cookie", target.cookie],
    ];
    return { headers, isVerified: true };
  }
  const wrong: Headers = [
    ["authorization", `Bearer ${random.next()}`],
    ["cookie", `lockstep=${random.next()}.9999999999999.${"A".repeat(43)}%3D`],
  ];
  return { headers: random.chance(0.5) ? wrong : [], isVerified: false };
}

export const PATHS: Attack = {
  name: "paths",
  weight: 10,
  about:
    "`..`, `%2e%2e`, `%00`, very long and wrongly encoded paths, tricks in names, every method, with the token and without",
  make(target, { random }) {
    const method = one(random, METHODS);
    const path = pathOf(random);
    const { headers, isVerified } = rightsOf(random, target, isHarmless(method, path));
    // The stream of an open page has no end.
    const ending = /live$/.test(path) ? "leave" : "wait";
    return { bytes: requestOf({ method, path, headers }), isVerified, expected: "anything", ending };
  },
};

export const QUERIES: Attack = {
  name: "queries",
  weight: 5,
  about: "parameters and cursors of wrong types, doubled, empty, too long, with patterns and SQL in them",
  make(target, { random }) {
    const path = queryOf(random);
    const { headers, isVerified } = rightsOf(random, target, isHarmless("GET", path));
    // A list answers and ends; a stream has no end.
    const isStream = path.startsWith("/api/v1/events");
    const bytes = requestOf({ method: "GET", path, headers, isKept: !isStream });
    if (isStream) return { bytes, isVerified, expected: "anything", ending: "leave" };
    return { bytes, isVerified, expected: "answer", ending: "keep" };
  },
};
