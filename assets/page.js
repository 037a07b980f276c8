// Updates the parts of an open page that are marked data-live. Without this script the reader reloads the
// page.

const EVERY_MS = 10_000;
const SOON_MS = 300;

let timer;
let source;
let asking = false;

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(refetch, ms);
}

async function refetch() {
  if (document.hidden || asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) update(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server did not answer; the next attempt comes later.
  } finally {
    asking = false;
    again(EVERY_MS);
  }
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
  again(SOON_MS);
}

document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", () => source?.close());
listen();
