import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

// A bare Node that only checks a delivery's signature, and keeps nothing of it.
const [port, secret = ""] = process.argv.slice(2);

createServer((request, response) => {
  const hmac = createHmac("sha256", secret);
  request.on("data", (bytes: Buffer) => hmac.update(bytes));
  request.on("end", () => {
    const expected = Buffer.from(`sha256=${hmac.digest("hex")}`);
    const given = Buffer.from(String(request.headers["x-hub-signature-256"]));
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    response.writeHead(isSigned ? 202 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify({ delivery: request.headers["x-github-delivery"] }));
  });
}).listen(Number(port), "127.0.0.1", () => process.send?.("listening"));
