/** `?wait=…` of the API; empty for a wait of nothing. */
export const waitQuery = (wait: string): string =>
  /^0+[a-z]*$/.test(wait) ? "" : `?wait=${encodeURIComponent(wait)}`;
