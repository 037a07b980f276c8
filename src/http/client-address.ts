import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/**
 * Determines the client of a request. Entries of X-Forwarded-For are trusted from the right end, for as long
 * as one of the operator's own proxies wrote them; anyone can forge the rest.
 * @param trustedProxies IP addresses and CIDR ranges
 * @returns request → a key: an IPv4 address, or the /64 of an IPv6 address, because one host can use a whole
 * /64
 */
export function clientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = toBlockList(trustedProxies);
  return (request) => {
    let client = plainAddress(request.socket.remoteAddress ?? "");
    if (isIP(client) === 4 && request.headers["x-forwarded-for"] === undefined) return client;
    const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",").reverse();
    for (const entry of forwarded) {
      const hop = plainAddress(entry);
      if (hop === "" || !isIn(trusted, client)) break;
      client = hop;
    }
    return isIP(client) === 6 ? network64(client) : client;
  };
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, prefix === undefined ? (family === "ipv6" ? 128 : 32) : Number(prefix), family);
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return address !== "" && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/**
 * Strips brackets, port, zone and the prefix of an IPv4 address in IPv6; empty when the text is not an
 * address.
 */
function plainAddress(text: string): string {
  if (isIP(text) === 4) return text;
  const bare = text
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, "$1")
    .replace(/^([\d.]+):\d+$/, "$1")
    .replace(/%.*$/, "")
    .replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(bare) === 0 ? "" : bare;
}

function network64(address: string): string {
  // URL writes IPv6 in its shortest form and an IPv4 tail as two groups, so only "::" needs expanding.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = "", right] = canonical.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right ? right.split(":") : [];
  const zeros = right === undefined ? [] : Array<string>(8 - head.length - tail.length).fill("0");
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(":")}::/64`;
}
