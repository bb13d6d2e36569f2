// Dialogs arrive as fragments in a slot: one with [data-open] is shown as soon as it is there, and gone once closed.
import { foundAgain, placeOf } from "./focus.js";

let opener = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog]");
  if (button) opener = placeOf(button);
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});

document.addEventListener("htmx:afterSwap", (event) => {
  for (const dialog of event.target.querySelectorAll?.("dialog[data-open]") ?? []) open(dialog);
});

export function open(dialog) {
  dialog.removeAttribute("data-open");
  dialog.addEventListener("close", () => leave(dialog));
  // A dialog that must be answered stays until it is.
  if (dialog.hasAttribute("data-keep")) dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
}

function leave(dialog) {
  dialog.remove();
  document.body.dispatchEvent(new Event("quire:dialog-closed"));
  if (document.querySelector("dialog[open]")) return;
  const back = opener && foundAgain(opener);
  (back && !back.disabled ? back : document.getElementById("content"))?.focus({ preventScroll: true });
}
