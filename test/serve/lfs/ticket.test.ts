import { expect, test } from "vitest";
import { createLocations } from "../../../src/serve/lfs/locations.js";
import { createTickets } from "../../../src/serve/lfs/ticket.js";

const OBJECT = { repositoryId: 7, oid: "a".repeat(64) };

test("a ticket is good for its object of its repository, for ten minutes, and for no other process", () => {
  const clock = { ms: 5_000 };
  const tickets = createTickets(() => clock.ms);
  const query = tickets.write({ ...OBJECT, size: 12 });
  expect(tickets.read(query, OBJECT)).toBe(12);
  expect(tickets.read(query, { ...OBJECT, repositoryId: 8 })).toBe(null);
  expect(tickets.read(query, { ...OBJECT, oid: "b".repeat(64) })).toBe(null);
  expect(tickets.read(query.replace("size=12", "size=13"), OBJECT)).toBe(null);
  expect(createTickets(() => clock.ms).read(query, OBJECT)).toBe(null);
  for (const wrong of ["", "size=12", `${query}&size=1`, query.replace(/key=.*/, "key=")])
    expect(tickets.read(wrong, OBJECT)).toBe(null);
  clock.ms += 599_000;
  expect(tickets.read(query, OBJECT)).toBe(12);
  clock.ms += 3_000;
  expect(tickets.read(query, OBJECT)).toBe(null);
});

test("where an object is, is known for five minutes, by repository, and of ten thousand at most", () => {
  const clock = { ms: 0 };
  const locations = createLocations(() => clock.ms);
  locations.put(OBJECT, { href: "https://x/", header: {} });
  expect(locations.get(OBJECT)).toMatchObject({ href: "https://x/" });
  expect(locations.get({ ...OBJECT, repositoryId: 8 })).toBe(null);
  for (let id = 100; id < 10_099; id++)
    locations.put({ ...OBJECT, repositoryId: id }, { href: "y", header: {} });
  expect(locations.get(OBJECT)).not.toBe(null);
  locations.put({ ...OBJECT, repositoryId: 8 }, { href: "z", header: {} });
  expect(locations.get(OBJECT)).toBe(null);
  clock.ms += 300_000;
  expect(locations.get({ ...OBJECT, repositoryId: 8 })).toBe(null);
});
