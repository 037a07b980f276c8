import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { clientAddress } from "../../src/http/client-address.js";

const of = (
  remoteAddress: string | undefined,
  forwarded?: string,
  trusted: string[] = ["10.0.0.0/8", "fd00::1"],
) =>
  clientAddress(trusted)({
    socket: { remoteAddress },
    headers: { "x-forwarded-for": forwarded },
  } as unknown as IncomingMessage);

it.each([
  ["the peer, where no proxy is in front", "192.0.2.1", undefined, "192.0.2.1"],
  ["the peer, whatever it says of itself", "192.0.2.1", "198.51.100.1", "192.0.2.1"],
  ["what a trusted proxy saw", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["not what the client wrote before it", "10.0.0.1", "198.51.100.1, 192.0.2.1", "192.0.2.1"],
  ["through several trusted proxies", "10.0.0.1", "198.51.100.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"],
  ["through a trusted IPv6 proxy", "fd00::1", "192.0.2.1", "192.0.2.1"],
  ["the last known hop before one that is no address", "10.0.0.1", "192.0.2.1, unknown", "10.0.0.1"],
  ["the proxy, if it says nothing", "10.0.0.1", undefined, "10.0.0.1"],
  ["IPv4 in IPv6 as IPv4", "::ffff:192.0.2.1", undefined, "192.0.2.1"],
  ["a trusted proxy as IPv4 in IPv6", "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["without port", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1"],
  ["without brackets and port", "10.0.0.1", "[2001:db8::1]:4711", "2001:db8:0:0::/64"],
  ["the /64 of an IPv6 address", "2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2::/64"],
  ["the /64 in one spelling", "2001:0DB8:0001:2::", undefined, "2001:db8:1:2::/64"],
  ["the /64 of loopback", "::1", undefined, "0:0:0:0::/64"],
  ["without zone", "fe80::1%eth0", undefined, "fe80:0:0:0::/64"],
  ["nothing for a closed or local socket", undefined, "192.0.2.1", ""],
])("%s", (_, peer, forwarded, expected) => expect(of(peer, forwarded)).toBe(expected));
