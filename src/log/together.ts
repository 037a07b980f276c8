/** pino keeps a logger's stream under a symbol of this description. */
const STREAM = "pino.stream";

interface Sink {
  write(lines: string): void;
}

/**
 * Has a logger of Probot's, and all loggers made from the same one, write the lines of one turn of the event loop
 * at once: a line for itself costs two calls of the kernel, its own and that of whoever reads it. At an exit what is
 * left is written. A logger that is not pino's stays as it is.
 */
export function writeTogether(log: object): void {
  const found = findStream(log);
  if (!found) return;
  const { root, symbol } = found;
  const stream = root[symbol]!;
  let lines = "";
  const flush = () => {
    const written = lines;
    lines = "";
    if (written !== "") stream.write(written);
  };
  root[symbol] = {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line.endsWith("\n") ? line : `${line}\n`;
    },
  };
  process.once("exit", flush);
}

/** A logger made by `child` inherits the stream of the logger that it was made from. */
function findStream(log: object): { root: Record<symbol, Sink>; symbol: symbol } | null {
  for (let owner: object | null = log; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const symbol = Object.getOwnPropertySymbols(owner).find(({ description }) => description === STREAM);
    if (symbol) return { root: owner as Record<symbol, Sink>, symbol };
  }
  return null;
}
