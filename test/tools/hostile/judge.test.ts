import { expect, test } from "vitest";
import type { Attempt } from "../../../tools/hostile/attack.js";
import { faultOf } from "../../../tools/hostile/judge.js";
import { endOfAnswer } from "../../../tools/hostile/kept.js";
import { requestOf } from "../../../tools/hostile/request.js";
import { type Reply, statusesIn } from "../../../tools/hostile/send.js";
import { HOOK } from "../../../tools/hostile/target.js";

const confidential = ["the secret"];
const attempt = (over: Partial<Attempt> = {}): Attempt => ({
  bytes: requestOf({ path: HOOK, body: Buffer.from("{}") }),
  expected: "answer",
  isVerified: false,
  ...over,
});
const reply = (over: Partial<Reply> = {}): Reply => ({ statuses: [401], text: "", failure: null, ...over });
const judged = (sent: Partial<Attempt>, came: Partial<Reply>) =>
  faultOf(attempt(sent), reply(came), { confidential });

test("a refusal is no fault, whatever was expected", () => {
  for (const expected of ["refusal", "answer", "anything"] as const)
    expect(judged({ expected }, {})).toBeNull();
});

test("each fault of an answer is found", () => {
  expect(judged({}, { failure: "refused" })).toBe("the connection was refused");
  expect(judged({}, { failure: "no end" })).toBe("the connection did not end");
  expect(judged({}, { statuses: [401, 500] })).toBe("answered 500");
  expect(judged({}, { statuses: [] })).toBe("no answer came");
  expect(judged({ expected: "refusal" }, { statuses: [303] })).toBe("answered 303, and not refused");
  expect(judged({ expected: "anything" }, { statuses: [400, 202] })).toBe(
    "an unsigned delivery was accepted",
  );
  expect(judged({}, { text: "HTTP/1.1 401 \r\n\r\nthe secret" })).toBe("the answer has the secret");
});

test("what a verified request may have is no fault of an answer to it", () => {
  const text = "HTTP/1.1 200 OK\r\n\r\nthe secret";
  expect(judged({ isVerified: true }, { statuses: [202], text })).toBeNull();
  expect(judged({ expected: "refusal" }, { statuses: [100, 401] })).toBeNull();
  expect(judged({ expected: "anything", ending: "leave" }, { statuses: [] })).toBeNull();
});

test("the status of each answer on a connection is read", () => {
  const answers =
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 401 Unauthorized\r\nx: HTTP/1.1 500 x\r\n\r\n";
  expect(statusesIn(answers)).toEqual([200, 401]);
  expect(statusesIn("")).toEqual([]);
});

test("the end of an answer on a kept connection is found", () => {
  const plain = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n0\r\n\r\n0\r\n\r\n";
  const none = "HTTP/1.1 204 No Content\r\n\r\n";
  for (const answer of [plain, chunked, none, `HTTP/1.1 100 Continue\r\n\r\n${plain}`]) {
    expect(endOfAnswer(`${answer}HTTP/1.1 `)).toBe(answer.length);
    for (let length = 0; length < answer.length; length += 1)
      expect(endOfAnswer(answer.slice(0, length)), answer.slice(0, length)).toBeNull();
  }
});
