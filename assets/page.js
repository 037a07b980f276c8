// Keeps an open page up to date: the parts marked data-live, the ages, the title and the icon of the tab. Says when
// nothing was heard from the server for some time. Without this script the reader reloads the page.

const EVERY_MS = 10_000;
const SOON_MS = 300;
/** A page whose fetch has failed is fetched again after this time. */
const FAILED_MS = 2_000;
/** A fetch that takes longer has failed. */
const PATIENCE_MS = 10_000;
/** After a failure the page is outdated when nothing was heard for this long. */
const SILENT_MS = 5_000;
/** How long the page says that something was copied. */
const COPIED_MS = 4_000;
/** How long the page says that the server is back. */
const BACK_MS = 10_000;
/** Whoever has moved the pointer or pressed a key within this time is at work on the page. */
const WORKING_MS = 30_000;
/** What is typed is searched for after a pause of this length. */
const TYPED_MS = 150;

const icon = document.getElementById("icon");
let timer;
let source;
let asking = false;
/** Whether something has changed since the last fetch began. */
let isDue = false;
/** When the server was last heard: by the clock that nobody sets, and as the reader's clock showed it. */
let heard = { at: performance.now(), shown: timeNow() };
let hasFailed = false;
let workedAt = -WORKING_MS;

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(refetch, ms);
}

async function refetch() {
  if (document.hidden || asking) return;
  asking = true;
  isDue = false;
  const address = location.href;
  try {
    const headers = { accept: "text/html", "x-known-parts": knownParts() };
    const answer = await fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    // The session has ended, or what is shown is gone.
    if (answer.status === 401 || (answer.status === 404 && document.querySelector("main [data-live]")))
      return location.reload();
    if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
    const text = await answer.text();
    // What was typed meanwhile has another address.
    if (address === location.href) update(new DOMParser().parseFromString(text, "text/html"));
    noteHeard();
  } catch {
    // The server did not answer; the next attempt comes later.
    hasFailed = true;
    judgeSilence();
  } finally {
    asking = false;
    const pauseMs = isDue ? SOON_MS : EVERY_MS;
    again(hasFailed ? FAILED_MS : address === location.href ? pauseMs : 0);
  }
}

/** The server sends only the parts whose marks differ from these. */
function knownParts() {
  const parts = [...document.querySelectorAll("[data-version]")];
  return parts.map(({ dataset }) => `${dataset.live}=${dataset.version}`).join();
}

function timeNow() {
  return new Date().toTimeString().slice(0, 8);
}

function noteHeard() {
  const wasSilent = "silent" in document.body.dataset;
  hasFailed = false;
  heard = { at: performance.now(), shown: timeNow() };
  tick();
  if (!wasSilent) return;
  delete document.body.dataset.silent;
  say(element("span", `The server has been back since ${heard.shown}.`));
  setTimeout(() => {
    if (!("silent" in document.body.dataset)) say();
  }, BACK_MS);
}

/** What the page shows is from when the server was last heard; without a word from it, nothing is called fresh. */
function judgeSilence() {
  if (!hasFailed || performance.now() - heard.at < SILENT_MS) return;
  if ("silent" in document.body.dataset) return;
  document.body.dataset.silent = "";
  document.title = "? no word from the server – Lockstep";
  if (icon) icon.href = icon.dataset.gone;
  // It stands in place of the verdict, which is the heading of the overview.
  say(
    element("h1", `No word from the server since ${heard.shown}`),
    element("p", "What you see may be outdated. → Check that Lockstep runs. This page goes on by itself."),
  );
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Says how the server is; without lines there is nothing to say. */
function say(...lines) {
  const place = document.getElementById("silence");
  if (!place) return;
  place.hidden = lines.length === 0;
  place.replaceChildren(...lines);
}

/** Whether the page has become another one, as the overview does when the first repository comes. */
function isOtherPage(fresh) {
  const next = fresh.querySelector("[data-parts]")?.dataset.parts;
  const own = [...document.querySelectorAll("[data-live]")].map(({ dataset }) => dataset.live);
  return next !== undefined && next !== own.filter((name) => name !== "drawn").join();
}

function update(fresh) {
  if (isOtherPage(fresh)) return location.reload();
  holdStill(() => updateParts(fresh));
}

const isAtWork = () => performance.now() - workedAt < WORKING_MS;

/** Keeps what is under the pointer in place when something above it grows. Browsers do so only once a page is scrolled. */
function holdStill(change) {
  const pointed =
    isAtWork() && scrollY === 0 ? [...document.querySelectorAll("main :hover")].at(-1) : undefined;
  const before = pointed?.getBoundingClientRect().top;
  change();
  if (pointed?.isConnected)
    scrollBy({ top: pointed.getBoundingClientRect().top - before, behavior: "instant" });
}

function updateParts(fresh) {
  document.title = fresh.title;
  const next = fresh.getElementById("icon");
  if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.href = next.href;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other) updatePart(part, other);
  }
  localize();
}

/** Puts our own rows where the server has left rows out that have not changed. Returns false if one is missing. */
function fillIn(part, next) {
  for (const hole of next.querySelectorAll("[data-same]")) {
    const row = part.querySelector(`#${CSS.escape(hole.id)}`);
    if (!row) return false;
    hole.replaceWith(row.cloneNode(true));
  }
  return true;
}

function updatePart(part, next) {
  // Without its mark the part comes whole next time.
  if (!fillIn(part, next)) return delete part.dataset.version;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && [...part.querySelectorAll("a, button, input, summary")].indexOf(focused);
  const isKept = keepOrder(part, next);
  become(part, next);
  // The next update has the rows in their order again.
  if (isKept) delete part.dataset.version;
  if (!focused || focused.isConnected) return;
  // Rows may have moved, so each is found by its id.
  const same =
    document.getElementById(focused.id) ?? part.querySelectorAll("a, button, input, summary")[place];
  same?.focus({ preventScroll: true });
}

/**
 * The lines of a list that somebody points at or works with stay where they are; what they say is updated. Returns
 * whether some would have moved or come.
 */
function keepOrder(part, next) {
  const fresh = [...next.querySelectorAll(LISTS)];
  const kept = [...part.querySelectorAll(LISTS)].map((list, n) => fresh[n] && keepLines(list, fresh[n]));
  return kept.includes(true);
}

const LISTS = ".rows tbody, .feed, .deliveries";

function keepLines(list, fresh) {
  if (!isHeld(list) || !hasKeys(list) || !hasKeys(fresh)) return false;
  const order = idsOf(fresh);
  const lines = new Map([...fresh.children].map((line) => [line.id, line]));
  fresh.replaceChildren(...[...list.children].map((line) => lines.get(line.id) ?? line.cloneNode(true)));
  return idsOf(fresh) !== order;
}

const idsOf = (list) => [...list.children].map(({ id }) => id).join();

/** A pointer that only lies there, as on a second screen, holds nothing. */
const isHeld = (list) =>
  list.querySelector(":checked, .menu[open]") !== null ||
  (isAtWork() && (list.matches(":hover") || list.querySelector(":focus") !== null));

/** Changes as little as possible, so that selection, focus and a screen reader's place stay. */
function become(old, next) {
  if (old.isEqualNode(next)) return;
  const isAlike = old.nodeName === next.nodeName && old.id === next.id;
  if (!isAlike || (old.childNodes.length !== next.childNodes.length && !hasKeys(old))) {
    if (old.nodeName === next.nodeName && old.hasAttribute?.("data-live"))
      old.replaceChildren(...next.childNodes);
    else old.replaceWith(next);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = next.data;
    return;
  }
  // Whoever has opened a menu or a part keeps it open.
  const isOurs = (name) => name !== "open" || old.nodeName !== "DETAILS";
  for (const { name } of [...old.attributes])
    if (isOurs(name) && !next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) old.setAttribute(name, value);
  if (hasKeys(old)) return becomeByKey(old, next);
  const children = [...next.childNodes];
  for (const [index, child] of [...old.childNodes].entries()) become(child, children[index]);
}

/** Whether every child has an id, as the rows of a list do. */
const hasKeys = (node) => node.children?.length > 0 && [...node.children].every((child) => child.id !== "");

function becomeByKey(old, next) {
  const known = new Map([...old.children].map((child) => [child.id, child]));
  const isFeed = old.classList.contains("feed");
  for (const [index, child] of [...next.children].entries()) {
    const same = known.get(child.id);
    const place = old.children[index] ?? null;
    if (same) {
      if (same !== place) old.insertBefore(same, place);
      become(same, child);
    } else {
      if (isFeed) child.classList.add("arrived");
      old.insertBefore(child, place);
    }
    known.delete(child.id);
  }
  for (const left of known.values()) left.remove();
}

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** Formats as the server does: 90_000 → `2 min`. */
function duration(ms) {
  const [size, unit] = UNITS.find(([one]) => ms >= 2 * one) ?? UNITS[3];
  if (unit === "s" && ms < 10_000)
    return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / size)} ${unit}`;
}

const past = (ms) =>
  ms < 1_000 ? "just now" : `${duration(Math.floor(ms / 1_000) * 1_000).replace(".0", "")} ago`;
const TEXTS = {
  ago: (ms) => past(Math.max(0, ms)),
  age: (ms) => (ms < 1_000 ? "a moment" : duration(Math.floor(ms / 1_000) * 1_000).replace(".0", "")),
  due: (ms) => (ms < 0 ? `in ${duration(Math.ceil(-ms / 1_000) * 1_000).replace(".0", "")}` : past(ms)),
};

/** The reader's clock may be wrong; what counts is how long ago the server drew the page. */
function serverNow() {
  const drawn = Date.parse(document.getElementById("drawn")?.dateTime ?? "");
  return Number.isNaN(drawn) ? Date.now() : drawn + performance.now() - heard.at;
}

function tick() {
  const place = document.getElementById("heard");
  if (place) {
    const ms = performance.now() - heard.at;
    place.textContent = hasFailed ? `last heard ${past(ms)}` : `updated ${past(ms)}`;
  }
  if ("silent" in document.body.dataset) return;
  const now = serverNow();
  for (const time of document.querySelectorAll("time[data-ticks]")) {
    const text = TEXTS[time.dataset.ticks](now - Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

/** Writes times in the reader's time zone. */
function localize() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    const kind = time.dataset.local;
    const text =
      kind === "week"
        ? at.toLocaleDateString([], { month: "short", day: "numeric" })
        : at.toTimeString().slice(0, kind === "second" ? 8 : 5);
    if (time.textContent !== text) time.textContent = text;
  }
  tick();
}

/** Searches while somebody types. */
let typed;
addEventListener("input", ({ target }) => {
  const form = target.closest?.("form[data-typing]");
  if (!form) return;
  clearTimeout(typed);
  typed = setTimeout(() => {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(fields).toString();
    history.replaceState(
      null,
      "",
      query ? `${form.getAttribute("action")}?${query}` : form.getAttribute("action"),
    );
    refetch();
  }, TYPED_MS);
});

/** `/` searches; `j` and `k` go down and up the rows, and Enter opens one; `x` selects it; Escape closes what is open. */
addEventListener("keydown", (event) => {
  const { key, target } = event;
  workedAt = performance.now();
  if (key === "Escape") {
    for (const word of document.querySelectorAll(".word:is(:hover, :focus)")) word.dataset.closed = "";
    closeMenus(null);
    return document.querySelector("a[data-cancel]")?.click();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea")) return;
  if (key === "/") {
    const field = document.querySelector("main [data-find]") ?? document.querySelector("[data-find]");
    field?.focus();
    field?.select();
    if (field) event.preventDefault();
  }
  if (key === "j" || key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const here = rows.findIndex((row) => row.closest("tr").contains(document.activeElement));
    rows[key === "j" ? here + 1 : Math.max(0, here - 1)]?.focus();
  }
  if (key === "x") target.closest("tr")?.querySelector('input[name="id"]')?.click();
});

addEventListener("pointermove", () => {
  workedAt = performance.now();
});

/** A meaning that was closed opens again when one comes back to the word. */
for (const left of ["pointerout", "focusout"])
  addEventListener(left, ({ target }) => {
    const word = target.closest?.(".word");
    if (word) delete word.dataset.closed;
  });

function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu === but) continue;
    const isInside = menu.contains(document.activeElement);
    menu.open = false;
    if (but === null && isInside) menu.querySelector("summary").focus();
  }
}

addEventListener("click", ({ target }) => {
  closeMenus(target.closest?.("details.menu") ?? undefined);
  const copied = target.closest?.("[data-copy]");
  if (copied) void copy(copied);
});

async function copy(button) {
  const place = document.getElementById(button.dataset.copy);
  const said = button.parentElement.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(place.textContent);
    said.textContent = "Copied";
  } catch {
    // Browsers allow it only over HTTPS and on this machine.
    getSelection().selectAllChildren(place);
    said.textContent = "Selected: copy it by keyboard";
  }
  setTimeout(() => {
    said.textContent = "";
  }, COPIED_MS);
}

/** A hidden page keeps no connection, because a browser opens only a few to one server. */
function listen() {
  source?.close();
  source = undefined;
  if (document.hidden) return;
  source = new EventSource("/live");
  source.addEventListener("change", () => {
    isDue = true;
    again(SOON_MS);
  });
  // A stream that breaks may mean that the server has ended; a fetch tells.
  source.addEventListener("error", () => again(SOON_MS));
  again(SOON_MS);
}

document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", () => source?.close());
setInterval(judgeSilence, 1_000);
setInterval(tick, 1_000);
localize();
listen();
