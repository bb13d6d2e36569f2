// Staying signed in: tickets are renewed while a page is open, and after a join the former one is changed for a new one.
// When neither is possible the password is asked for once, over the page as it is.
import { t } from "./words.js";

const RENEW_EVERY_MS = 15 * 60 * 1000;
const TRIES = 6;
const PAUSE_MS = 700;
const RENEW = "/session/renew-after-join";

let recovering = null;
const joinsDone = new Set();
const retried = new WeakSet();

setInterval(renew, RENEW_EVERY_MS);

// After each push: has a join that this page follows just succeeded?
document.addEventListener("htmx:wsAfterMessage", () => {
  const status = document.querySelector("[data-task-type=clusterjoin][data-level=good], [data-task-type=clusterjoin][data-level=warning]");
  if (!status || joinsDone.has(status.id) || !status.closest("[data-watch]")) return;
  joinsDone.add(status.id);
  recover();
});

// What was asked for when the ticket had ended is asked for once more, as soon as there is a new one.
document.addEventListener("quire:signed-out", async ({ target }) => {
  if (!(await recover()) || !target.isConnected || retried.has(target)) return;
  retried.add(target);
  htmx.trigger(target, target.matches("form") ? "submit" : target.matches("[hx-trigger]") ? "quire:again" : "click");
});
document.addEventListener("quire:signed-in", (event) => {
  useToken(event.detail.csrf);
  document.querySelector("#again-slot dialog")?.close();
  note(t("You are signed in; this page goes on."));
});

// Makes the page signed in again, asking for the password if it must. True once that is so without asking.
export function recover() {
  recovering ??= tryToRecover().finally(() => (recovering = null));
  return recovering;
}

async function tryToRecover() {
  for (let tries = 1; tries <= TRIES; tries++) {
    const outcome = await renew();
    if (outcome === "renewed") {
      note(t("You are still signed in; this page goes on by itself."));
      return true;
    }
    if (outcome === "refused" && tries > 2) break;
    if (outcome === "unreachable" && tries === TRIES) {
      note(t("The browser does not accept this node's new certificate yet. Reload the page and accept it there; you stay signed in."));
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  note(t("Sign in once more to go on."));
  if (!document.querySelector("#again-slot dialog")) {
    htmx.ajax("GET", "/session/again", { target: "#again-slot", swap: "innerHTML" });
  }
  return false;
}

async function renew() {
  try {
    const answer = await fetch(RENEW, { method: "POST", headers: tokens() });
    if (answer.ok) useToken((await answer.json()).csrf);
    return answer.ok ? "renewed" : answer.status === 401 || answer.status === 403 ? "refused" : "unreachable";
  } catch {
    return "unreachable";
  }
}

function tokens() {
  return JSON.parse(document.body.getAttribute("hx-headers"));
}

function useToken(csrf) {
  document.body.setAttribute("hx-headers", JSON.stringify({ CSRFPreventionToken: csrf }));
}

function note(sentence) {
  const place = document.querySelector("[data-session-note]");
  if (place) place.textContent = sentence;
}
