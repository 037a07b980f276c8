import { scaleBand, scaleLinear } from "d3-scale";

/** Bars, in groups that share a heading. */
export interface Chart {
  title: string;
  /** What the numbers count, such as ms. */
  unit: string;
  groups: { name: string; bars: { name: string; value: number; isOurs: boolean }[] }[];
}

const WIDTH = 720;
const NAMES = 250;
const ROW = 22;
const GROUP_GAP = 34;
const TOP = 40;

/** GitHub's own colours of text, muted text and bars, for light and dark, so that a README shows it as its own. */
const STYLE = `text{font:13px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.title{font-weight:600;font-size:15px}.group{font-weight:600}.value{font-weight:600}
.ours{fill:#1a7f37}.other{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.ours{fill:#2ea043}.other{fill:#656c76}}`;

/** Draws horizontal bars; each has its value in words, so that no axis is needed. */
export function drawChart({ title, unit, groups }: Chart): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const x = scaleLinear()
    .domain([0, most])
    .range([0, WIDTH - NAMES - 90]);
  const parts: string[] = [];
  let top = TOP;
  for (const { name, bars } of groups) {
    parts.push(text({ x: 0, y: top + 14, kind: "group" }, name));
    const y = scaleBand()
      .domain(bars.map((bar) => bar.name))
      .range([top + ROW, top + ROW + bars.length * ROW])
      .padding(0.25);
    for (const { name: bar, value, isOurs } of bars) {
      const at = y(bar)!;
      const middle = at + y.bandwidth() / 2 + 5;
      const kind = isOurs ? "ours" : "other";
      parts.push(text({ x: 12, y: middle, kind: "name" }, bar));
      parts.push(
        `<rect class="${kind}" x="${NAMES}" y="${round(at)}" width="${round(x(value))}" height="${round(y.bandwidth())}" rx="2"/>`,
      );
      parts.push(text({ x: NAMES + x(value) + 8, y: middle, kind: "value" }, `${format(value)} ${unit}`));
    }
    top += ROW + bars.length * ROW + GROUP_GAP - ROW;
  }
  const height = top + 4;
  const words = groups
    .map(
      ({ name, bars }) =>
        `${name}: ${bars.map((bar) => `${bar.name} ${format(bar.value)} ${unit}`).join(", ")}`,
    )
    .join("; ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(`${title}. ${words}`)}">
<style>${STYLE}</style>
${text({ x: 0, y: 18, kind: "title" }, title)}
${parts.join("\n")}
</svg>
`;
}

const round = (n: number): number => Math.round(n * 10) / 10;
const format = (n: number): string => (n < 10 ? n.toFixed(1) : Math.round(n).toLocaleString("en"));
const escapeXml = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const text = ({ x, y, kind }: { x: number; y: number; kind: string }, value: string): string =>
  `<text class="${kind}" x="${round(x)}" y="${round(y)}">${escapeXml(value)}</text>`;
