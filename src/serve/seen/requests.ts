import type { IncomingMessage, ServerResponse } from "node:http";
import { monotonicMs } from "../../base/clock.js";
import type { RepositoryName } from "../../base/model.js";
import { type Source, sentBy } from "../answer.js";
import { authorizationOf } from "../rights/header.js";
import type { Denied, Granted, Way } from "../rights.js";
import type { Route } from "../route.js";

/** A request of a reader who may read the repository, once its answer has ended. Nothing here is secret. */
export interface ServedRequest {
  /** The name that was asked for. */
  repository: RepositoryName;
  /** null: Lockstep does not mirror the repository. */
  repositoryId: number | null;
  reader: string;
  way: Way;
  /** The reader's IP address. */
  address: string;
  act: Route["act"];
  /** Where the answer came from; null: the request was refused, or failed before its answer began. */
  source: Source | null;
  /** Whether the answer was one that another reader had asked for, too. */
  isShared: boolean;
  /** What was sent, in bytes, with the answer's head. */
  bytes: number;
  durationMs: number;
  /** Whether the answer was sent to its end. */
  isWhole: boolean;
}

/** A request of a reader who may not read what it asked for, or of whom nobody can say it now. */
export interface RefusedRequest {
  repository: RepositoryName;
  /** The reader's IP address. */
  address: string;
  status: Denied["status"];
  /** git asks without credentials first, and is refused. */
  hasCredentials: boolean;
}

export interface SeenPorts {
  served(request: ServedRequest): void;
  refused(request: RefusedRequest): void;
}

/** A request whose rights were judged, before its answer. */
export interface Judged {
  request: IncomingMessage;
  response: ServerResponse;
  route: Route;
  right: Granted | Denied;
  /** The reader's IP address. */
  address: string;
}

/** Reports a request: at once if it is refused, else when its answer has ended. */
export function watch(ports: SeenPorts, { request, response, route, right, address }: Judged): void {
  const { owner, name, act } = route;
  const repository = { owner, name };
  if (right.kind === "no") {
    const hasCredentials = authorizationOf(request) !== null;
    ports.refused({ repository, address, status: right.status, hasCredentials });
    return;
  }
  const { socket } = request;
  const before = socket.bytesWritten;
  const startedAt = monotonicMs();
  response.once("close", () => {
    const head = sentBy(response);
    ports.served({
      repository,
      repositoryId: right.repositoryId,
      reader: right.reader,
      way: right.way,
      address,
      act,
      source: head?.source ?? null,
      isShared: head?.isShared ?? false,
      // A connection serves one request after the other.
      bytes: Math.max(0, socket.bytesWritten - before),
      durationMs: Math.round(monotonicMs() - startedAt),
      isWhole: response.writableFinished,
    });
  });
}
