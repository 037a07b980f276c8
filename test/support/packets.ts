const pkt = (text: string) => `${(text.length + 5).toString(16).padStart(4, "0")}${text}\n`;

/** A request of version 2 for a pack. */
export const fetchOf = (...lines: string[]): string =>
  `${pkt("command=fetch")}0001${[...lines, "done"].map(pkt).join("")}0000`;

/** What a job asks for that checks out one commit. */
export const depthOneOf = (id: string): string => fetchOf(`want ${id}`, "deepen 1");

/** A request of version 2 for the refs below some prefixes. */
export const listOf = (...prefixes: string[]): string =>
  `${pkt("command=ls-refs")}0001${prefixes.map((prefix) => pkt(`ref-prefix ${prefix}`)).join("")}0000`;
