import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface DelayProxy {
  /** "127.0.0.1:port" */
  host: string;
  close(): Promise<void>;
}

/**
 * A TCP proxy on loopback that makes a port as far away as a round trip says. Each direction takes half
 * of it; a new connection's first bytes wait one more round trip, as TCP's handshake would make them.
 */
export function startDelayProxy(targetPort: number, roundTripMs: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    }
    forward(client, target, roundTripMs / 2, performance.now() + roundTripMs);
    forward(target, client, roundTripMs / 2, 0);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({
        host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      }),
    );
  });
}

/** Every chunk, and the end, arrives `delayMs` after it was read, and none before `notBefore` + `delayMs`. */
function forward(from: Socket, to: Socket, delayMs: number, notBefore: number): void {
  const due: { at: number; act: () => void }[] = [];
  let armed = false;
  const run = (): void => {
    armed = false;
    while (due.length > 0 && due[0]!.at <= performance.now()) due.shift()!.act();
    if (due.length > 0) arm();
  };
  const arm = (): void => {
    armed = true;
    setTimeout(run, Math.max(1, due[0]!.at - performance.now()));
  };
  const later = (act: () => void): void => {
    due.push({ at: Math.max(performance.now(), notBefore) + delayMs, act });
    if (!armed) arm();
  };
  from.on("data", (chunk: Buffer) => later(() => to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("close", (failed) => failed && later(() => to.destroy()));
}
