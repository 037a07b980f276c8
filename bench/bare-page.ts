import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { METERED } from "./meter.js";

// A bare Node that sends the bytes of a file, and with them the assets of the page they are of.
const [port, file] = process.argv.slice(2);
const assets = process.env.ASSETS_OF ?? "";

createServer(async (request, response) => {
  if (request.url?.startsWith("/assets/")) {
    const answer = await fetch(assets + request.url);
    const type = answer.headers.get("content-type") ?? "";
    return void response.writeHead(200, { "content-type": type }).end(await answer.text());
  }
  // The bytes are read once before the measurement begins.
  response.writeHead(200, { "content-type": "text/html; charset=UTF-8" }).end(bytes);
}).listen(Number(port), "127.0.0.1", () => process.send?.(METERED));

const bytes = readFileSync(file ?? "");
