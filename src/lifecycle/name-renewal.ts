import type { ManagedRepository } from "../registry/repositories.js";
import { keyOfPage } from "./list-pages.js";
import { type PagePorts, reconcileByPage } from "./reconcile-page.js";

/** Makes the function `renewName` of the lifecycle. Calls about one page that come together share one answer. */
export function createNameRenewal(ports: PagePorts): (id: number) => Promise<ManagedRepository | null> {
  const asking = new Map<string, ReturnType<typeof reconcileByPage>>();

  async function renew(id: number): Promise<ManagedRepository | null> {
    const page = ports.pages.of(id);
    const before = ports.registry.get(id)?.confirmedAt;
    const key = page && keyOfPage(page);
    const pending = key === null ? undefined : asking.get(key);
    if (pending) {
      await pending;
      const now = ports.registry.get(id);
      if (now && now.confirmedAt !== before) return now;
    }
    const asked = reconcileByPage(ports, [id]);
    if (key !== null) asking.set(key, asked);
    try {
      const answer = (await asked).get(id);
      if (answer?.status === "fulfilled") return answer.value;
      throw answer?.reason;
    } finally {
      if (key !== null && asking.get(key) === asked) asking.delete(key);
    }
  }

  return renew;
}
