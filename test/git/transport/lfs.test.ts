import { existsSync, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createGateway } from "../../../src/git/transport/gateway.js";
import type { LfsDownload } from "../../../src/git/transport/lfs.js";
import { tempDir } from "../../support/temp.js";
import { answer, scriptedHost } from "../../support/upstream.js";

const TARGET = { installationId: 7, owner: "acme", name: "app" };
const OID = "a".repeat(64);
const MIB = Buffer.alloc(2 ** 20, "x");

async function lfsAt(host: Awaited<ReturnType<typeof scriptedHost>>) {
  const gateway = await createGateway(host.origin, async () => "token");
  onTestFinished(() => gateway.close());
  const object: LfsDownload = {
    oid: OID,
    size: 10,
    label: "big.bin",
    href: `${host.origin}/file`,
    header: {},
  };
  return { lfs: gateway.lfs, object, file: join(tempDir(), "file") };
}

/** Sends without end, as fast as the other side reads. */
function flood(status: number) {
  return (_: unknown, res: ServerResponse) => {
    res.writeHead(status, { "content-type": "application/vnd.git-lfs+json" });
    const more = () => {
      while (!res.destroyed && res.write(MIB));
    };
    res.on("drain", more).on("error", () => {});
    more();
  };
}

test("a file that has more than its pointer says is left at once, however much follows", async () => {
  const { lfs, object, file } = await lfsAt(await scriptedHost(flood(200)));
  await expect(lfs.download(object, file, new AbortController().signal)).rejects.toMatchObject({
    code: "lfs_unsound",
  });
  expect(existsSync(file) ? statSync(file).size : 0).toBeLessThanOrEqual(object.size);
});

test("a server that answers the question for files without end is left, and so is one that refuses without end", async () => {
  const { lfs, object, file } = await lfsAt(await scriptedHost(flood(200), flood(500), flood(500)));
  const { signal } = new AbortController();
  await expect(lfs.locate(TARGET, [object], signal)).rejects.toMatchObject({ code: "upstream_error" });
  await expect(lfs.locate(TARGET, [object], signal)).rejects.toMatchObject({ code: "upstream_error" });
  await expect(lfs.download(object, file, signal)).rejects.toMatchObject({ code: "upstream_error" });
});

test.each([
  ["never answers", () => {}],
  ["answers and then hangs", (_: unknown, res: ServerResponse) => void res.writeHead(200).write("x")],
])("a server that %s holds nothing longer than the deadline", async (_, hang) => {
  const { lfs, object, file } = await lfsAt(await scriptedHost(hang));
  // Each call has limits of its own, which are longer.
  const calls = [
    (signal: AbortSignal) => lfs.download(object, file, signal),
    (signal: AbortSignal) => lfs.locate(TARGET, [object], signal),
  ];
  for (const call of calls) {
    const deadline = AbortSignal.timeout(300);
    await expect(call(deadline)).rejects.toThrow(deadline.reason);
  }
});

test("a page in place of the answer is not read as one", async () => {
  const { lfs, object } = await lfsAt(await scriptedHost(answer(200, "<html>hunter2</html>")));
  const failure = await lfs.locate(TARGET, [object], new AbortController().signal).catch(String);
  expect(failure).toMatch(/not valid JSON$/);
});
