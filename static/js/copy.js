// Copy buttons: [data-copy="id"] copies the value or text of that element, [data-copy-self] its own, and says so.
import { t } from "./words.js";

const CONFIRMED_MS = 2000;

document.addEventListener("click", async (event) => {
  const itself = event.target.closest("[data-copy-self]");
  if (itself) return confirmItself(itself, await copied(itself));
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (source) confirm(button, await copied(source));
});

// A read-only field is there to be copied from: selecting it takes all of it.
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-select]")) event.target.select();
});

async function copied(source) {
  const text = source.value || source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(source, text);
  }
}

// Where the page is not trusted with the clipboard: select the text and let the browser's own command copy it.
function copiedBySelection(source, text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  const before = document.activeElement;
  (source.closest("dialog") || document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}

function confirmItself(button, done) {
  button.classList.add(done ? "is-copied" : "is-not-copied");
  button.title = done ? t("Copied") : t("Not copied");
  setTimeout(() => button.classList.remove("is-copied", "is-not-copied"), CONFIRMED_MS);
}

function confirm(button, done) {
  const label = button.querySelector("[data-copy-label]");
  const icon = button.querySelector("use");
  const status = button.closest("dialog")?.querySelector("[data-copied-status]");
  const words = done ? t("Copied") : t("Not copied: select the text and copy it yourself");
  button.dataset.words ??= label?.textContent ?? button.title;
  if (label) label.textContent = done ? t("Copied") : t("Not copied");
  else button.title = words;
  if (status) status.textContent = done ? t("Copied to the clipboard") : words;
  icon?.setAttribute("href", done ? "#i-check" : "#i-warning");
  button.classList.toggle("is-copied", done);
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    if (label) label.textContent = button.dataset.words;
    else button.title = button.dataset.words;
    if (status) status.textContent = "";
    icon?.setAttribute("href", "#i-copy");
    button.classList.remove("is-copied");
  }, CONFIRMED_MS);
}
