import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import Database from "libsql";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import { compose } from "../../src/compose/lockstep.js";
import { ConfigError } from "../../src/config/load.js";
import { checkCertificates } from "../../src/doctor/machine.js";
import { configOf, NO_LOG } from "../support/config.js";
import { loopDisk, take } from "../support/small-disk.js";
import { tempDir } from "../support/temp.js";

const NO_MOUNT = "a small file system cannot be mounted here: run the tests as root";

/** The files below a directory that this process has open. */
const openBelow = (dir: string): string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(dir) ? [path] : [];
    } catch {
      return [];
    }
  });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
function collect<T>(found: T): T {
  collectGarbage();
  return found;
}

/** Returns what a start in the directory says, which must leave nothing open. */
async function refusalOf(dataDir: string, env: Record<string, string> = {}): Promise<string> {
  const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;
  const error: unknown = await compose(configOf(dataDir, env), NO_LOG).then(
    async (running) => {
      await running.close();
      return new Error("it started");
    },
    (error: unknown) => error,
  );
  // SQLite's files are closed once what was prepared with them is collected: libsql cannot end a statement.
  await expect.poll(() => collect(openBelow(dataDir))).toEqual([]);
  await expect.poll(listening).toBe(0);
  return (error as Error).message;
}

const base = tempDir;
/** Makes a DATA_DIR that cannot be used. @returns its path, and what the start says about it */
type Way = (context: TestContext) => { dataDir: string; says: RegExp };

function mounted(context: TestContext): string {
  const dir = loopDisk(64 * 2 ** 20);
  if (dir === null) return context.skip(NO_MOUNT);
  return dir;
}

const WAYS: [string, Way][] = [
  [
    "is a file",
    () => {
      const dataDir = join(base(), "data");
      writeFileSync(dataDir, "");
      return { dataDir, says: /data is not a directory → move it away, or choose another DATA_DIR$/ };
    },
  ],
  [
    "is below a file",
    () => {
      const parent = join(base(), "file");
      writeFileSync(parent, "");
      return { dataDir: join(parent, "data"), says: /file is not a directory → correct DATA_DIR$/ };
    },
  ],
  [
    "is a link that leads nowhere",
    () => {
      const dataDir = join(base(), "data");
      symlinkSync("/mnt/gone", dataDir);
      return { dataDir, says: /data is a link to \/mnt\/gone, which does not exist → mount/ };
    },
  ],
  [
    "is on a read-only file system",
    (context) => {
      const dir = mounted(context);
      execFileSync("mount", ["-o", "remount,ro", dir]);
      return {
        dataDir: join(dir, "data"),
        says: /cannot be written \(EROFS\) → mount its file system for writ/,
      };
    },
  ],
  [
    "is immutable",
    (context) => {
      const dataDir = join(mounted(context), "data");
      mkdirSync(dataDir);
      execFileSync("chattr", ["+i", dataDir]);
      onTestFinished(() => void execFileSync("chattr", ["-i", dataDir]));
      return { dataDir, says: /data cannot be written \(EPERM\) → remove its attribute i/ };
    },
  ],
  [
    "has an immutable database",
    (context) => {
      const dataDir = join(mounted(context), "data");
      mkdirSync(dataDir);
      const file = join(dataDir, "lockstep.db");
      writeFileSync(file, "");
      execFileSync("chattr", ["+i", file]);
      onTestFinished(() => void execFileSync("chattr", ["-i", file]));
      return { dataDir, says: /lockstep\.db cannot be written \(EPERM\) → remove its attribute i/ };
    },
  ],
  [
    "has a file where the mirrors belong",
    () => {
      const dataDir = base();
      writeFileSync(join(dataDir, "repos"), "");
      return { dataDir, says: /repos is not a directory → move it away/ };
    },
  ],
];

for (const [way, make] of WAYS)
  test(`a DATA_DIR that ${way} is refused with its path and a remedy`, async (context) => {
    const { dataDir, says } = make(context);
    const said = await refusalOf(dataDir);
    expect(said).toMatch(/^DATA_DIR: \//);
    expect(said).toMatch(says);
  });

test("a database that is none, and one that is damaged, are refused with a remedy", async () => {
  for (const name of ["lockstep.db", "lock"]) {
    const dataDir = base();
    const file = join(dataDir, name);
    writeFileSync(file, "this is text\n".repeat(1_000));
    const said = await refusalOf(dataDir);
    expect(said).toBe(
      `DATA_DIR: ${file} is not a database, or is damaged → restore it from a backup (docs/operations.md), or move it away: a new one is made, and every mirror compared with GitHub`,
    );
  }
  const dataDir = base();
  const file = join(dataDir, "lockstep.db");
  writeFileSync(file, Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(8_192, 7)]));
  expect(await refusalOf(dataDir)).toContain(`DATA_DIR: ${file} is not a database, or is damaged → restore`);
  rmSync(file);
  await (await compose(configOf(dataDir), NO_LOG)).close();
});

test("a git that is missing or too old is refused with its path, GIT_BINARY and a remedy", async () => {
  const dataDir = base();
  const remedy = "install git 2.38 or newer, or name another one in GIT_BINARY";
  expect(await refusalOf(dataDir, { GIT_BINARY: "/no/such/git" })).toMatch(
    new RegExp(`^git: /no/such/git cannot be started \\(.*\\) → ${remedy}$`),
  );
  expect(await refusalOf(dataDir, { PATH: "/nowhere" })).toMatch(
    /^git: git in PATH=\/nowhere cannot be started/,
  );
  const old = join(base(), "git");
  writeFileSync(old, "#!/bin/sh\necho git version 2.30.1\n", { mode: 0o755 });
  expect(await refusalOf(dataDir, { GIT_BINARY: old })).toBe(
    `git: ${old} is 2.30.1, older than 2.38 → ${remedy}`,
  );
});

test("a file of certificates that Node.js would ignore is refused", async () => {
  const dir = base();
  const file = join(dir, "ca.pem");
  const start = () => refusalOf(join(dir, "data"), { NODE_EXTRA_CA_CERTS: file });
  expect(await start()).toBe(
    `certificates: NODE_EXTRA_CA_CERTS: ${file} cannot be read (ENOENT) → correct the path, or the permissions of the file`,
  );
  writeFileSync(file, "hello\n");
  expect(await start()).toMatch(/ca\.pem has no certificate → write certificates into it in PEM form/);
  writeFileSync(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect(await start()).toMatch(/ca\.pem has a broken certificate, number 1 of 1 →/);
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", "/dev/null"];
  execFileSync("openssl", [...args, "-out", file], { stdio: "pipe" });
  expect(checkCertificates(file).level).toBe("ok");
});

test("a hook that cannot be run is refused with its path, its variable and a remedy", () => {
  const text = join(base(), "hook");
  writeFileSync(text, "#!/bin/sh\n", { mode: 0o644 });
  for (const [name, value] of [
    ["ANNOUNCE_HOOK", text],
    ["ANNOUNCE_HOOK", "/"],
    ["PRE_PUBLISH_HOOK", text],
    ["PRE_PUBLISH_HOOK", "/"],
    ["ALLOWED_SIGNERS", "/nowhere/signers"],
    ["ALLOWED_SIGNERS", "/"],
    ["GPG_HOME", "/nowhere/gnupg"],
    ["GPG_HOME", text],
  ] as const) {
    const env = {
      VERIFY_SIGNATURES: name === "GPG_HOME" ? "openpgp" : "ssh",
      ALLOWED_SIGNERS: text,
      [name]: value,
    };
    expect(() => configOf("/data", env), `${name}=${value}`).toThrow(ConfigError);
    expect(() => configOf("/data", env)).toThrow(new RegExp(`${name}: [^→]*"${value}" → \\w`));
  }
});

test("a disk without a byte left is refused with a remedy, and a start with the reserve goes on", async (context) => {
  const dir = mounted(context);
  const dataDir = join(dir, "data");
  mkdirSync(dataDir);
  const free = take(dir);
  expect(await refusalOf(dataDir)).toMatch(
    /^DATA_DIR: \/.*\/data has no space left \(.*\) → free some space, or move DATA_DIR to another disk/,
  );
  free();
  writeFileSync(join(dataDir, "reserve"), Buffer.alloc(20 * 2 ** 20, 1));
  take(dir);
  const running = await compose(configOf(dataDir), NO_LOG);
  await running.close();
});

test("what a failed start has taken is free for the next one", async () => {
  const dataDir = base();
  const db = new Database(join(dataDir, "lockstep.db"));
  db.exec("CREATE TABLE dirty (other TEXT)");
  db.close();
  await refusalOf(dataDir);
  rmSync(join(dataDir, "lockstep.db"));
  await (await compose(configOf(dataDir), NO_LOG)).close();
});
