import { describe, expect, test } from "vitest";
import { EMPTY_OID, parsePointer } from "../../../src/git/tree/pointers/parse.js";

const OID = "0123456789abcdef".repeat(4);
const URL = "https://git-lfs.github.com/spec/v1";
const VERSION = `version ${URL}`;
const LINES = [VERSION, `oid sha256:${OID}`, "size 12345"];

/** https://github.com/git-lfs/git-lfs/blob/main/lfs/pointer.go */
describe("git-lfs's decoder reads, and so does ours", () => {
  test.each([
    ["a pointer as git-lfs writes it", `${LINES.join("\n")}\n`],
    ["CRLF", `${LINES.join("\r\n")}\r\n`],
    ["no last line end", LINES.join("\n")],
    ["empty lines", `\n${LINES.join("\n\n\r\n")}\n\n`],
    ["space around it", `\t ${LINES.join("\n")} \v\f\u0085\u00a0\n`],
    ["the alpha's address", LINES.join("\n").replace(URL, "http://git-media.io/v/2")],
    ["the pre-release's address", LINES.join("\n").replace(URL, "https://hawser.github.com/spec/v1")],
    ["a size with a sign and zeros", LINES.join("\n").replace("size 12345", "size +0012345")],
  ])("%s", (_, text) => expect(parsePointer(text)).toEqual({ oid: OID, size: 12345 }));

  test("size 0 is an empty file, whatever its object, with or without extensions", () => {
    const empty = { oid: EMPTY_OID, size: 0 };
    for (const size of ["size 0", "size -0", "size +00"])
      expect(parsePointer([...LINES.slice(0, 2), size].join("\n"))).toEqual(empty);
    const extended = [VERSION, `ext-0-case sha256:${OID}`, LINES[1], "size 0"].join("\n");
    expect(parsePointer(extended)).toEqual(empty);
  });
});

test.each([
  ["an extension", [VERSION, `ext-0-case sha256:${OID}`, ...LINES.slice(1)], /needs the extension case/],
  [
    "two extensions of one priority",
    [VERSION, `ext-0-a sha256:${OID}`, `ext-0-b sha256:${OID}`, ...LINES.slice(1)],
    /two extensions have the priority 0/,
  ],
  [
    "an extension without an object",
    [VERSION, "ext-0-a md5:1", ...LINES.slice(1)],
    /ext-0-a is not "sha256:/,
  ],
  ["another version", [`version ${URL.replace("v1", "v2")}`, ...LINES.slice(1)], /version .*v2" is unknown/],
  ["space after the address", [`${VERSION} `, ...LINES.slice(1)], /is unknown/],
  ["a short oid", [VERSION, "oid sha256:0123", "size 1"], /oid is not "sha256:/],
  ["an oid in capitals", [VERSION, `oid sha256:${OID.toUpperCase()}`, "size 1"], /oid is not/],
  ["no size", LINES.slice(0, 2), /size is missing/],
  ["no number", [...LINES.slice(0, 2), "size 1.5"], /size "1.5"/],
  ["a negative size", [...LINES.slice(0, 2), "size -1"], /size "-1"/],
  ["a size of more than 63 bits", [...LINES.slice(0, 2), "size 9223372036854775808"], /size "9223/],
  ["a further line", [...LINES, "x y"], /has a further line/],
  ["lines in another order", [LINES[0], LINES[2], LINES[1]], /has size where oid belongs/],
  ["a line of one word", [LINES[0], "oid", LINES[2]], /a line without a value/],
  [
    "a merge's conflict",
    ["<<<<<<< HEAD", ...LINES, "=======", ...LINES, ">>>>>>> b"],
    /has <<<<<<< where version belongs/,
  ],
  ["a byte order mark", [`\ufeff${LINES[0]}`, ...LINES.slice(1)], /where version belongs/],
])("%s makes a pointer unreadable", (_, lines, fault) => {
  expect(parsePointer(`${lines.join("\n")}\n`)).toEqual({ fault: expect.stringMatching(fault) });
});

test.each([
  ["nothing", ""],
  ["plain text", "hello\n"],
  ["text about git-lfs", "see https://git-lfs.com\nversion 3 is new\n"],
  ["another file with a version", "version 1.2\noid x\n"],
])("%s is no pointer", (_, text) => expect(parsePointer(text)).toBeNull());
