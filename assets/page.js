// Updates the parts of an open page that are marked data-live, and says when nothing was heard from the server for
// some time. Without this script the reader reloads the page.

const EVERY_MS = 10_000;
const SOON_MS = 300;
/** A page whose fetch has failed is fetched again after this time. */
const FAILED_MS = 2_000;
/** A fetch that takes longer has failed. */
const PATIENCE_MS = 10_000;
/** After a failure the page is outdated when nothing was heard for this long. */
const SILENT_MS = 5_000;
/** How long the page says that the server is back. */
const BACK_MS = 10_000;

let timer;
let source;
let asking = false;
/** When the server was last heard: by the clock that nobody sets, and as the reader's clock showed it. */
let heard = { at: performance.now(), shown: timeNow() };
let hasFailed = false;

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(refetch, ms);
}

async function refetch() {
  if (document.hidden || asking) return;
  asking = true;
  try {
    const headers = { accept: "text/html" };
    const answer = await fetch(location.href, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    update(new DOMParser().parseFromString(await answer.text(), "text/html"));
    noteHeard();
  } catch {
    // The server did not answer; the next attempt comes later.
    hasFailed = true;
    judgeSilence();
  } finally {
    asking = false;
    again(hasFailed ? FAILED_MS : EVERY_MS);
  }
}

function timeNow() {
  return new Date().toTimeString().slice(0, 8);
}

function noteHeard() {
  const wasSilent = "silent" in document.body.dataset;
  hasFailed = false;
  heard = { at: performance.now(), shown: timeNow() };
  if (!wasSilent) return;
  delete document.body.dataset.silent;
  say(`The server is back since ${heard.shown}.`);
  setTimeout(() => {
    if (!("silent" in document.body.dataset)) say("");
  }, BACK_MS);
}

/** What the page shows is from when the server was last heard; without a word from it, nothing is called fresh. */
function judgeSilence() {
  if (!hasFailed || performance.now() - heard.at < SILENT_MS) return;
  if ("silent" in document.body.dataset) return;
  document.body.dataset.silent = "";
  say(`No word from the server since ${heard.shown}; what you see may be outdated.`);
}

function say(text) {
  const place = document.getElementById("silence");
  if (!place) return;
  place.hidden = text === "";
  place.textContent = text;
}

function update(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && [...part.querySelectorAll("a, button")].indexOf(focused);
    become(part, next);
    if (!focused || focused.isConnected) continue;
    // Rows may have moved, so each is found by its id.
    const same = document.getElementById(focused.id) ?? part.querySelectorAll("a, button")[place];
    same?.focus({ preventScroll: true });
  }
}

/** Changes as little as possible, so that selection, focus and a screen reader's place stay. */
function become(old, next) {
  if (old.isEqualNode(next)) return;
  const isAlike = old.nodeName === next.nodeName && old.id === next.id;
  if (!isAlike || old.childNodes.length !== next.childNodes.length) return old.replaceWith(next);
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) old.setAttribute(name, value);
  const children = [...next.childNodes];
  for (const [index, child] of [...old.childNodes].entries()) become(child, children[index]);
}

/** A hidden page keeps no connection, because a browser opens only a few to one server. */
function listen() {
  source?.close();
  source = undefined;
  if (document.hidden) return;
  source = new EventSource("/live");
  source.addEventListener("change", () => again(SOON_MS));
  // A stream that breaks may mean that the server has ended; a fetch tells.
  source.addEventListener("error", () => again(SOON_MS));
  again(SOON_MS);
}

document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", () => source?.close());
setInterval(judgeSilence, 1_000);
listen();
