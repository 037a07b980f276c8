import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** The names of locks and temporary files of git's, and of Lockstep's own. */
const LEFTOVER =
  /^(?:.+\.lock|tmp_.*|\.tmp-.*|packed-refs\.new|gc\.pid|incoming-.*|clone-[0-9a-f]+|@.+\.git|.+\.tmp)$/;
/** What the process holds open as long as it runs. */
const OWN_FILES = /^(?:lock|lock-journal|lockstep\.db(?:-wal|-shm)?)$/;
/** Connections, pipes and files of an idle process with three repositories are some 40; more are leaks. */
const MOST_DESCRIPTORS = 150;

/** Where leftovers are looked for. */
export interface Place {
  dataDir: string;
  lockstep: { pid: number };
  /** Lists the processes that work in DATA_DIR, beside Lockstep itself. */
  gits(): number[];
}

/** Lists the files, processes and descriptors that nothing needs any more. */
export function leftoversOf(world: Place): string[] {
  return [...filesLeft(world), ...processesLeft(world), ...descriptorsLeft(world)];
}

function filesLeft({ dataDir }: Place): string[] {
  const found = below(dataDir, "");
  for (const name of ["run", "trash"]) {
    const dir = join(dataDir, name);
    if (existsSync(dir)) found.push(...readdirSync(dir).map((entry) => `${name}/${entry}`));
  }
  return found.map((path) => `left: ${path}`);
}

/** Published trees have GitHub's files, whatever their names are, so they are not searched. */
function below(dir: string, path: string): string[] {
  if (/^repos\/\d+\/trees$/.test(path)) return [];
  return entriesOf(join(dir, path)).flatMap((entry) => {
    const at = path === "" ? entry.name : `${path}/${entry.name}`;
    const found = LEFTOVER.test(entry.name) ? [at] : [];
    return entry.isDirectory() ? [...found, ...below(dir, at)] : found;
  });
}

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // The directory was removed in the meantime.
  }
}

const processesLeft = (world: Place): string[] =>
  world.gits().map((pid) => `process ${pid} runs in DATA_DIR: ${commandOf(pid)}`);

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "ended";
  }
}

function descriptorsLeft({ lockstep, dataDir }: Place): string[] {
  const targets = openFiles(lockstep.pid);
  const inside = targets
    .filter((target) => target.startsWith(`${dataDir}/`))
    .map((target) => target.slice(dataDir.length + 1))
    .filter((name) => !OWN_FILES.test(name));
  const faults = inside.map((name) => `open: ${name}`);
  if (targets.length > MOST_DESCRIPTORS) faults.push(`${targets.length} descriptors are open`);
  return faults;
}

function openFiles(pid: number): string[] {
  return entriesOf(`/proc/${pid}/fd`).flatMap(({ name }) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // It was closed in the meantime.
    }
  });
}
