/**
 * Lockstep and its starter talk in frames: four bytes with the length of what follows, big-endian, then JSON. This file
 * is JavaScript, since the starter also runs where nothing is built.
 */

const HEAD_BYTES = 4;

/** One connection carries one stream of one git; its first bytes say so: the token, the number of its set, and which. */
export const TOKEN_CHARACTERS = 32;
export const HELLO_BYTES = TOKEN_CHARACTERS + 5;

/**
 * @param {import("node:stream").Writable} stream
 * @param {object} message
 */
export function writeFrame(stream, message) {
  const body = JSON.stringify(message);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + Buffer.byteLength(body));
  frame.writeUInt32BE(frame.length - HEAD_BYTES);
  frame.write(body, HEAD_BYTES);
  stream.write(frame);
}

/**
 * @param {import("node:stream").Readable} stream
 * @param {(message: any) => void} take gets each message, in order
 */
export function readFrames(stream, take) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  stream.on("data", (/** @type {Buffer} */ chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + rest.readUInt32BE();
      if (rest.length < end) return;
      const body = rest.toString("utf8", HEAD_BYTES, end);
      rest = rest.subarray(end);
      take(JSON.parse(body));
    }
  });
}

/**
 * @param {string} token 32 characters of ASCII
 * @param {number} set below 2^32
 * @param {number} stream 0: stdin, 1: stdout, 2: stderr
 */
export function helloOf(token, set, stream) {
  const bytes = Buffer.alloc(HELLO_BYTES);
  bytes.write(token, "latin1");
  bytes.writeUInt32BE(set, TOKEN_CHARACTERS);
  bytes[HELLO_BYTES - 1] = stream;
  return bytes;
}

/** @param {Buffer} bytes */
export function readHello(bytes) {
  return {
    token: bytes.subarray(0, TOKEN_CHARACTERS),
    set: bytes.readUInt32BE(TOKEN_CHARACTERS),
    stream: bytes[HELLO_BYTES - 1],
  };
}
