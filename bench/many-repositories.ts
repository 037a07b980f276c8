import Database from "libsql";

const REFRESHES = 30;
const EVENTS = 20_000;
const DELIVERIES = 100_000;
const FAILING = 40;
const FIRST_ID = 1_000_000;
const DAY_MS = 86_400_000;

/** Adds what a server of so many repositories has in its database after some weeks. No mirror is on disk. */
export function addRepositories(file: string, count: number): void {
  const db = new Database(file, { timeout: 5_000 });
  const now = Date.now();
  const repository = db.prepare(
    `INSERT INTO repositories (id, installation_id, owner, name, state, added_at, pushed_at, told_at, confirmed_at,
     settled_pushed_at, compared_at, full_at, asked_at, refreshed_at, lag_ms, error_code, error_message, error_hint,
     error_at, error_attempt) VALUES (?1, ?2, 'acme', ?3, ?4, ?5, 1, 1, ?6, 1, 1, ?6, ?6, ?6, 41, ?7, ?8, ?9, ?10, ?11)`,
  );
  const refresh = db.prepare("INSERT INTO refreshes VALUES (?, ?, ?, 30, ?, ?, 0, ?, ?, 'word', ?)");
  const event = db.prepare("INSERT INTO events (repository_id, at, body) VALUES (?, ?, ?)");
  const delivery = db.prepare(
    `INSERT INTO deliveries (id, received_at, event, subject, outcome, generation, refreshed_at, repository_id,
     repository, installation_id) VALUES (?1, ?2, 'push', ?3, 'accepted', 1, ?2 + 41, ?4, ?5, 1)`,
  );
  db.exec("BEGIN");
  for (let n = 0; n < count; n++) {
    const id = FIRST_ID + n;
    const isFailing = n < FAILING;
    const failure = ["forbidden", "GitHub answers 403", "add this server's address", now - DAY_MS, 5];
    const what = isFailing ? failure : [null, null, null, null, null];
    const provenAt = now - Math.round((n / count) * 300_000);
    repository.run(
      id,
      n % 20,
      nameOf(n),
      isFailing ? "failing" : "fresh",
      now - 30 * DAY_MS,
      provenAt,
      ...what,
    );
    for (let step = 1; step <= REFRESHES; step++) {
      const isPush = step % 3 > 0;
      const result = isFailing && step > 25 ? ["forbidden", "GitHub answers 403"] : ["updated", null];
      const at = provenAt - (REFRESHES - step) * 60_000;
      refresh.run(
        id,
        step,
        at,
        20 + ((n * step) % 60),
        isPush ? "push" : "backstop",
        ...result,
        isPush ? 1 : 0,
      );
    }
  }
  for (let n = 0; n < EVENTS; n++)
    event.run(FIRST_ID + (n % count), now - EVENTS + n, bodyOf(n % count, now));
  for (let n = 0; n < DELIVERIES; n++) {
    const id = FIRST_ID + (n % count);
    delivery.run(`delivery-${n}`, now - DAY_MS + n, `repository:${id}`, id, `acme/${nameOf(n % count)}`);
  }
  db.exec("COMMIT");
  db.close();
}

export const nameOf = (n: number): string => `service-${String(n).padStart(5, "0")}`;

const bodyOf = (n: number, now: number): string =>
  JSON.stringify({
    type: "changed",
    at: new Date(now).toISOString(),
    trigger: "push",
    changed: 1,
    truncated: false,
    repository: { id: FIRST_ID + n, owner: "acme", name: nameOf(n) },
    changes: [{ ref: "refs/heads/main", before: "1".repeat(40), after: "2".repeat(40) }],
    checkouts: [],
  });
