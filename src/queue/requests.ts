import type { Subject, Trigger } from "../base/model.js";
import { createSignal, type Signal, type Subscribe } from "../base/signal.js";
import type { RefreshQueue } from "./contract.js";

/** Asks for work, on behalf of parts that the runner itself stands on. */
export interface Requests {
  /** A refresh that compares every ref. */
  repository(id: number, installationId: number, trigger?: Trigger): void;
  installation(id: number): void;
  /** A pass over every installation, which in turn asks for what needs it. */
  everything(trigger: "onboard" | "backstop"): void;
  /** An operator's own request: it goes before others. */
  byHand(subject: Subject, installationId: number): void;
  /** Something is armed. With a subject: it may start at once. */
  onWake: Subscribe<[subject?: Subject, trigger?: Trigger]>;
}

export function createRequests(queue: Pick<RefreshQueue, "arm">): Requests {
  const woken: Signal<[subject?: Subject, trigger?: Trigger]> = createSignal();

  function arm(subject: Subject, installationId: number, trigger: Trigger): void {
    queue.arm(subject, { trigger, hints: [], full: true }, { installationId });
  }

  function request(subject: Subject, installationId: number, trigger: Trigger): void {
    arm(subject, installationId, trigger);
    woken.emit();
  }

  return {
    repository: (id, installationId, trigger = "backstop") =>
      request({ kind: "repository", id }, installationId, trigger),
    installation: (id) => request({ kind: "installation", id }, id, "backstop"),
    everything: (trigger) => request({ kind: "app", id: 0 }, 0, trigger),
    byHand(subject, installationId) {
      arm(subject, installationId, "manual");
      woken.emit(subject, "manual");
    },
    onWake: woken.on,
  };
}
