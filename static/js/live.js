// The page's end of the live socket: shows when it is lost, tells the server what was taken in, heals by itself.
// The socket itself and the swapping are htmx's ws extension; what arrives is made by datacenter/live/.
// Every message about a change says which one came before: after a gap the page asks for the whole, twice is dropped.
import { recover } from "./session.js";
import { t } from "./words.js";

const SILENT_MS = 25000; // the server says something every ten seconds
const TELL_EVERY = 8; // messages
const NOT_SIGNED_IN = 4401;
const page = document.documentElement;

let socket = null;
let unseen = 0;
let heardAt = Date.now();

htmx.config.wsReconnectDelay = (tries) => Math.min(1500, 200 * 2 ** Math.min(tries, 3)) * (0.5 + Math.random() / 2);

document.addEventListener("htmx:wsOpen", (event) => {
  socket = event.detail.socketWrapper;
  heardAt = Date.now();
  unseen = 0;
  show("open");
  watch();
});

document.addEventListener("htmx:wsAfterMessage", () => {
  heardAt = Date.now();
  show("open");
  if (++unseen >= TELL_EVERY) {
    tell({ seen: unseen });
    unseen = 0;
  }
});

document.addEventListener("htmx:wsClose", async (event) => {
  const { code } = event.detail.event;
  show("lost");
  if (code === NOT_SIGNED_IN && (await recover())) socket?.reconnect();
});

document.addEventListener("quire:signed-in", () => {
  if (page.dataset.socket !== "open") socket?.reconnect();
});

// Every page is sent everything; what this one does not show is taken out before htmx would look for its place, and what
// needs nothing of htmx is put there at once: figures are many, and all that htmx does for each of them costs more.
htmx.defineExtension("quire-live", {
  transformResponse: (text, request) => (request ? text : onlyWhatIsShown(text)),
});

function onlyWhatIsShown(html) {
  const message = document.createElement("template");
  message.innerHTML = html;
  if (!isNext(message.content.querySelector("#live-mark"))) return "";
  for (const piece of [...message.content.children]) {
    const place = piece.getAttribute("hx-swap-oob")?.split(":#")[1] ?? piece.id;
    const here = document.getElementById(place);
    if (!here) piece.remove();
    else if (piece.getAttribute("hx-swap-oob") === "true" && !has(piece, "[hx-trigger]")) put(piece, here);
  }
  return message.innerHTML;
}

const OF_HTMX = "a, form, [hx-get], [hx-post], [hx-ext], [hx-boost], [ws-connect]";
const has = (piece, what) => piece.matches(what) || piece.querySelector(what) !== null;

// What says the same as before is left alone: a button that is being pressed stays the same button.
function put(piece, here) {
  piece.removeAttribute("hx-swap-oob");
  if (here.isEqualNode(piece)) piece.remove();
  else if (has(piece, OF_HTMX)) piece.setAttribute("hx-swap-oob", "true");
  else here.replaceWith(piece);
}

// --- nothing missed, nothing twice ---

let last = markOf(document.getElementById("live-mark"));

function markOf({ dataset }) {
  const numbers = ["changeNumber", "changePart", "changeTold"].map((name) => Number(dataset[name]));
  return { number: numbers[0], part: numbers[1], told: numbers[2], source: dataset.changeSource, whole: "changeWhole" in dataset };
}

// What carries no mark is about now, and always taken in.
function isNext(mark) {
  if (!mark) return true;
  const next = markOf(mark);
  if (!next.whole) {
    if (next.source !== last.source || next.told > last.number) return missed();
    if (next.number < last.number || (next.number === last.number && next.part <= last.part)) return false;
  }
  last = next;
  return true;
}

function missed() {
  page.dataset.missed = Number(page.dataset.missed ?? 0) + 1;
  tell({ whole: true });
  return false;
}

// What was on its way to the page when a change was pushed does not know of it.
document.addEventListener("htmx:afterSwap", ({ target }) => target.id === "content" && askWhenOlder());
document.addEventListener("htmx:historyRestore", askWhenOlder);

function askWhenOlder() {
  const asOf = document.querySelector("#content > [data-as-of]")?.dataset.asOf;
  const [, source, number] = /^(.*):(\d+)$/.exec(asOf) ?? [];
  if (number && (source !== last.source || Number(number) < last.number)) tell({ whole: true });
}

// A task's log and a node's own figures are sent to the pages that show them: say which, whenever that changes.
document.addEventListener("htmx:afterSwap", watch);
document.addEventListener("close", () => setTimeout(watch, 0, "closed"), true);

let told = {};
function watch(event) {
  const shows = {
    watch: document.querySelector("[data-watch]")?.dataset.watch ?? "",
    node: document.querySelector("[data-about-node]")?.dataset.aboutNode ?? "",
  };
  for (const name of Object.keys(shows)) {
    if (event ? shows[name] !== told[name] : shows[name]) tell({ [name]: shows[name] });
  }
  told = shows;
}

// A log that was read to its end stays there when lines are added.
document.addEventListener("htmx:wsBeforeMessage", () => {
  for (const log of document.querySelectorAll(".log")) {
    log.atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  }
});
document.addEventListener("htmx:wsAfterMessage", () => {
  for (const log of document.querySelectorAll(".log")) {
    if (log.atEnd !== false) log.scrollTop = log.scrollHeight;
  }
});

// Half of a broken connection may look alive: silence ends it, and it is made anew.
setInterval(() => {
  if (page.dataset.socket === "open" && Date.now() - heardAt > SILENT_MS) {
    show("lost");
    socket?.reconnect();
  }
}, 5000);

function tell(words) {
  if (socket && page.dataset.socket !== "lost") socket.sendImmediately(JSON.stringify(words));
}

function show(state) {
  if (page.dataset.socket === state) return;
  page.dataset.socket = state;
  const bar = document.getElementById("socket-bar");
  bar.hidden = state !== "lost";
  if (state === "lost") {
    const since = bar.querySelector("[data-socket-since]");
    since.dateTime = new Date().toISOString();
    showOthers(bar);
    since.textContent = t("at {time}").replace("{time}", new Date().toLocaleTimeString([], { hour12: false }));
  }
}

// Where else this very page is: at every other member, at its own address and on the same port.
function showOthers(bar) {
  const links = [...document.querySelectorAll("#tree-list a[data-member]")].map(({ dataset, title }) => {
    const place = new URL(location);
    place.hostname = dataset.member.includes(":") ? `[${dataset.member}]` : dataset.member;
    return Object.assign(document.createElement("a"), { href: place, textContent: title });
  });
  bar.querySelector("[data-members]").replaceChildren(...links);
  bar.querySelector("[data-other-members]").hidden = links.length === 0;
}
