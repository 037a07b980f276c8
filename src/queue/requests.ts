import type { Subject, Trigger } from "../base/model.js";
import { createSignal, type Signal, type Subscribe } from "../base/signal.js";
import type { RefreshQueue } from "./contract.js";

/** Requests work, on behalf of parts that the runner itself depends on. */
export interface Requests {
  /** Requests a refresh that compares every ref. */
  repository(id: number, installationId: number, trigger?: Trigger): void;
  /** Requests a publish of a repository's trees. By hand, commits that were refused are offered once more. */
  publish(id: number, installationId: number, trigger: Trigger): void;
  installation(id: number): void;
  /** Requests a pass over every installation, which in turn requests what is needed. */
  everything(trigger: "onboard" | "backstop"): void;
  /** Requests what an operator asks for, which goes before other work. */
  byHand(subject: Subject, installationId: number): void;
  /** Fires when something is armed. With a subject: that subject may start at once. */
  onWake: Subscribe<[subject?: Subject]>;
}

export function createRequests(queue: Pick<RefreshQueue, "arm">): Requests {
  const woken: Signal<[subject?: Subject]> = createSignal();

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
    publish(id, installationId, trigger) {
      const intent = { trigger, hints: [], full: trigger === "manual" };
      queue.arm({ kind: "publish", id }, intent, { installationId });
      woken.emit();
    },
    installation: (id) => request({ kind: "installation", id }, id, "backstop"),
    everything: (trigger) => request({ kind: "app", id: 0 }, 0, trigger),
    byHand(subject, installationId) {
      arm(subject, installationId, "manual");
      woken.emit(subject);
    },
    onWake: woken.on,
  };
}
