import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** One object of one repository, which somebody may download here for a while. */
export interface Ticket {
  repositoryId: number;
  oid: string;
  /** In bytes. */
  size: number;
}

/** How long a ticket is valid, in seconds. */
export const TICKET_S = 600;

export interface Tickets {
  /** Writes a ticket as the query of an address. */
  write(ticket: Ticket): string;
  /** Reads the query of an address. @returns the object's size in bytes; null: this is no valid ticket for the object */
  read(query: string, object: Omit<Ticket, "size">): number | null;
}

/**
 * Says that GitHub gives an object of a repository, so that no object is found by its id alone. A ticket is no right: whoever
 * has it must be allowed to read the repository, too.
 * @param clock milliseconds: monotonic, or since 1970 where other processes have the key
 * @param secret 32 bytes; the default is a key of this process
 */
export function createTickets(clock: () => number, secret: Buffer = randomBytes(32)): Tickets {
  const sign = ({ repositoryId, oid, size }: Ticket, until: number) =>
    createHmac("sha256", secret).update(`${repositoryId} ${oid} ${size} ${until}`).digest();

  return {
    write(ticket) {
      const until = Math.ceil(clock() / 1_000) + TICKET_S;
      const key = sign(ticket, until).toString("base64url");
      return new URLSearchParams({ size: String(ticket.size), until: String(until), key }).toString();
    },
    read(query, { repositoryId, oid }) {
      const [, size, until, key] = /^size=(\d{1,16})&until=(\d{1,12})&key=([\w-]{43})$/.exec(query) ?? [];
      if (key === undefined || Number(until) * 1_000 < clock()) return null;
      const ticket = { repositoryId, oid, size: Number(size) };
      return timingSafeEqual(sign(ticket, Number(until)), Buffer.from(key, "base64url")) ? ticket.size : null;
    },
  };
}
