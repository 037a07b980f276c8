import { type Attack, one } from "../attack.js";
import { type Headers, headersOf, requestOf, signed } from "../request.js";
import { HOOK } from "../target.js";

interface Forgery {
  body: Buffer;
  secret: string;
}

/** The signatures that somebody without the secret, or with an old delivery, can send. */
const SIGNATURES: ((forgery: Forgery) => Headers)[] = [
  () => [],
  () => [["x-hub-signature-256", ""]],
  () => [["x-hub-signature-256", "sha256="]],
  ({ body }) => [["x-hub-signature-256", signed(body, "")]],
  // Probot's own default while no secret is set.
  ({ body }) => [["x-hub-signature-256", signed(body, "development")]],
  ({ body }) => [["x-hub-signature-256", signed(body, "undefined")]],
  ({ secret }) => [["x-hub-signature-256", signed(Buffer.alloc(0), secret)]],
  ({ body, secret }) => [["x-hub-signature-256", signed(body.subarray(1), secret)]],
  ({ body, secret }) => [["x-hub-signature-256", signed(body, secret).toUpperCase()]],
  ({ body, secret }) => [["x-hub-signature-256", signed(body, secret).slice(0, -1)]],
  ({ body, secret }) => [["x-hub-signature-256", `${signed(body, secret)}0`]],
  ({ body, secret }) => [["x-hub-signature-256", signed(body, secret).replace("sha256=", "sha1=")]],
  ({ body, secret }) => [["x-hub-signature-256", signed(body, secret, "sha1").replace("sha1", "sha256")]],
  // The old header alone, rightly signed: https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
  ({ body, secret }) => [["x-hub-signature", signed(body, secret, "sha1")]],
  ({ body, secret }) => [["x-hub-signature", signed(body, secret)]],
  ({ body, secret }) => [
    ["x-hub-signature-256", signed(body, `${secret} `)],
    ["x-hub-signature-256", signed(body, secret)],
  ],
  () => [["x-hub-signature-256", "sha256=\xff\xfe"]],
  () => [["x-hub-signature-256", `sha256=${"0".repeat(8_000)}`]],
];

export const SIGNATURES_FORGED: Attack = {
  name: "signatures",
  weight: 10,
  about:
    "payloads that would change something, with no, a wrong, a sha1, a shortened or another body's signature",
  make(target, draw) {
    const { random } = draw;
    const { event, payload } = one(random, target.baits);
    const body = Buffer.from(JSON.stringify(payload));
    const usual = headersOf(target, draw, { event, body, isVerified: false });
    const headers = usual.filter(([name]) => name !== "x-hub-signature-256");
    headers.push(...one(random, SIGNATURES)({ body, secret: target.secret }));
    const bytes = requestOf({ path: HOOK, headers, body, isKept: true });
    return { bytes, isVerified: false, expected: "refusal", ending: "keep" };
  },
};
