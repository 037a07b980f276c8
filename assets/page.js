// Brings the parts of an open page up to date that are marked data-live. Without it, reload.

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
    // The server is away: it is asked again.
  } finally {
    asking = false;
    again(EVERY_MS);
  }
}

function update(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!next || next.innerHTML === part.innerHTML) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && [...part.querySelectorAll("a, button")].indexOf(focused);
    part.replaceChildren(...document.adoptNode(next).childNodes);
    // By its id: rows may have moved.
    if (focused)
      (document.getElementById(focused.id) ?? part.querySelectorAll("a, button")[place])?.focus({
        preventScroll: true,
      });
  }
}

/** A browser opens few connections to one server: a page that nobody sees keeps none. */
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
