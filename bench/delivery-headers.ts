import { TABLES } from "../src/compose/tables.js";
import { hookOf } from "../src/deliveries/hook.js";
import { createDeliveryLog } from "../src/deliveries/log.js";
import { openStore } from "../src/store/database.js";

const DELIVERIES = 2_000;
const ROUNDS = 5;

const HEADERS = {
  "x-github-hook-id": "292430182",
  "x-github-hook-installation-target-type": "integration",
  "x-github-hook-installation-target-id": "79929171",
  "user-agent": "GitHub-Hookshot/044aadd",
};

/**
 * Records deliveries with the headers that say which webhook sent them, and without, by turns.
 * @returns the processor time of each delivery, in microseconds
 */
export function measureHeaders(dir: string): { withHeaders: number[]; without: number[] } {
  const store = openStore(dir, TABLES);
  const log = createDeliveryLog(store);
  const hook = hookOf(HEADERS);
  const measure = (round: number, sent: string | undefined) => {
    const before = process.cpuUsage();
    for (let n = 0; n < DELIVERIES; n++) {
      const id = `${round}-${sent ? "with" : "without"}-${n}-4c93-11e3-81ab-4c9367dc0958`;
      const about = { repositoryId: n, repository: "octo-org/app", installationId: 1, hook: sent };
      const delivery = {
        id,
        event: "push",
        action: null,
        receivedAt: Date.now(),
        via: "webhook" as const,
        ...about,
      };
      store.transaction(() => log.accepted(delivery, { kind: "repository", id: n }, 1, "refs/heads/main"));
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / DELIVERIES;
  };
  const rows = { withHeaders: [] as number[], without: [] as number[] };
  // The first round compiles the code.
  for (let round = 0; round <= ROUNDS; round++) {
    const [without, withHeaders] = [measure(round, undefined), measure(round, hook)];
    if (round === 0) continue;
    rows.without.push(without);
    rows.withHeaders.push(withHeaders);
  }
  store.close();
  return rows;
}
