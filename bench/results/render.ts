import type { ReportItem, Result } from "./result.js";

const BEGIN = (name: string) => `<!-- figures of ${name}: written by npm run bench -->`;
const END = "<!-- end of figures -->";

/**
 * Returns the document with the figures of a subject in their place.
 * @throws Error when the document has no place for them
 */
export function withFigures(document: string, name: string, result: Result): string {
  const begin = document.indexOf(BEGIN(name));
  const end = document.indexOf(END, begin);
  if (begin === -1 || end === -1) throw new Error(`the document has no line "${BEGIN(name)}" with an end`);
  const after = begin + BEGIN(name).length;
  return `${document.slice(0, after)}\n\n${render(result)}\n\n${document.slice(end)}`;
}

function render({ date, machine, command, items }: Result): string {
  const measured = `Measured on ${date} with \`${command}\`: ${machine}.`;
  return [...items.map(renderItem), measured].join("\n\n");
}

function renderItem(item: ReportItem): string {
  if (typeof item === "string") return item;
  const [heading = [], ...rows] = item.rows;
  const rule = heading.map((_, column) => (column === 0 ? "---" : "---:"));
  const table = [heading, rule, ...rows].map((row) => `| ${row.map(escapeCell).join(" | ")} |`).join("\n");
  return item.title === undefined ? table : `${item.title}:\n\n${table}`;
}

const escapeCell = (text: string): string => text.replaceAll("|", "\\|");
