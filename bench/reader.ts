import { Agent, type IncomingMessage, request } from "node:http";

const pkt = (text: string): string => `${(text.length + 5).toString(16).padStart(4, "0")}${text}\n`;

/** What `git fetch --depth=1` sends for a commit, in version 2: https://git-scm.com/docs/protocol-v2#_fetch */
export const requestOf = (commit: string): string =>
  [
    `${pkt("command=fetch")}0001`,
    ...["thin-pack", "no-progress", "ofs-delta", `want ${commit}`, "deepen 1", "done"].map(pkt),
    "0000",
  ].join("");

interface Question {
  port: number;
  token: string;
  commit: string;
}

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** Reads depth 1 of a commit of octo-org/large. @throws Error when the answer is not complete */
export function askForPack({ port, token, commit }: Question): Promise<void> {
  const headers = {
    authorization: `Basic ${Buffer.from(`x:${token}`).toString("base64")}`,
    "content-type": "application/x-git-upload-pack-request",
    "git-protocol": "version=2",
  };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, agent, method: "POST", headers };
    const asked = request({ ...options, path: "/octo-org/large/git-upload-pack" }, (answer) => {
      readToEnd(answer).then(resolve, reject);
    });
    asked.on("error", reject).end(requestOf(commit));
  });
}

async function readToEnd(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  let end = "";
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    end = (end + chunk.subarray(-4).toString("latin1")).slice(-4);
  }
  if (answer.statusCode !== 200 || end !== "0000" || bytes < 1_000_000)
    throw new Error(`the answer is ${answer.statusCode} with ${bytes} bytes`);
}
