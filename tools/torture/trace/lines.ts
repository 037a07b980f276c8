/** One system call that has ended, as strace prints it. */
export interface Call {
  /** The thread that made the call. */
  tid: number;
  name: string;
  /** What stands between the parentheses. */
  args: string;
  /** What stands behind the equals sign, such as `0`, `39</data/file>` or `-1 ENOENT (No such file or directory)`. */
  result: string;
}

/** `[pid 12] …` on a terminal, `12 …` in a file. */
const THREAD = /^(?:\[pid +(\d+)\] |(\d+) +)/;
const UNFINISHED = / <unfinished \.\.\.>$/;
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/;
const CALL = /^(\w+)\((.*)\) += (.*)$/;

/** Reads the lines of `strace -f`, which prints a call that another thread interrupts on two lines. */
export class CallLines {
  readonly #begun = new Map<number, string>();

  /** @returns null: the line ends no call */
  read(line: string): Call | null {
    const [prefix = "", onTerminal, inFile] = THREAD.exec(line) ?? [];
    const tid = Number(onTerminal ?? inFile ?? 0);
    const text = line.slice(prefix.length);
    if (UNFINISHED.test(text)) {
      this.#begun.set(tid, text.replace(UNFINISHED, ""));
      return null;
    }
    const rest = RESUMED.exec(text)?.[1];
    return parse(tid, rest === undefined ? text : this.#take(tid) + rest);
  }

  #take(tid: number): string {
    const begun = this.#begun.get(tid) ?? "";
    this.#begun.delete(tid);
    return begun;
  }
}

function parse(tid: number, text: string): Call | null {
  const [, name, args, result] = CALL.exec(text) ?? [];
  return name === undefined ? null : { tid, name, args: args!, result: result! };
}
