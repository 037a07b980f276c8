/** Exit codes of the command line, as documented in docs/cli.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, stale: 4, timeout: 5 } as const;
