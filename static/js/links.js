// The link editor: rows are added and removed, and each shows what is to be said about its address.
import { t } from "./words.js";

const LINKS_MAX = 8;

document.addEventListener("click", (event) => {
  const choosing = event.target.closest("[data-choose-address]");
  if (choosing) {
    const addresses = [...choosing.closest("form").querySelectorAll("[data-link-address]")];
    addresses.find((address) => address.getClientRects().length)?.focus();
  }
  const editor = event.target.closest("[data-links]");
  if (!editor) return;
  if (event.target.closest("[data-add-link]")) add(editor);
  const removing = event.target.closest("[data-remove-link]");
  if (removing) {
    const row = removing.closest("[data-link-row]");
    (row.previousElementSibling ?? row.nextElementSibling)?.querySelector("select")?.focus();
    row.remove();
  }
  refresh(editor);
});

document.addEventListener("change", (event) => {
  const editor = event.target.closest("[data-links]");
  if (editor) refresh(editor);
});

document.addEventListener("htmx:afterSwap", (event) => {
  for (const editor of event.target.querySelectorAll?.("[data-links]") ?? []) refresh(editor);
});

const rowsOf = (editor) => [...editor.querySelectorAll("[data-link-row]")];
const numberOf = (row) => row.querySelector("[data-link-number]");
const addressOf = (row) => row.querySelector("[data-link-address]");

function add(editor) {
  const rows = rowsOf(editor);
  if (rows.length >= LINKS_MAX) return;
  const numbers = new Set(rows.map((row) => numberOf(row).value));
  const addresses = new Set(rows.map((row) => addressOf(row).value));
  const row = editor.querySelector("template").content.cloneNode(true).querySelector("[data-link-row]");
  editor.querySelector("[data-link-rows]").append(row);
  for (let number = LINKS_MAX - 1; number >= 0; number--) {
    if (!numbers.has(String(number))) numberOf(row).value = String(number);
  }
  const free = [...addressOf(row).options].find((option) => option.value && !addresses.has(option.value));
  if (free) addressOf(row).value = free.value;
  addressOf(row).focus();
}

function refresh(editor) {
  const rows = rowsOf(editor);
  const button = editor.querySelector("[data-add-link]");
  if (button) button.disabled = rows.length >= LINKS_MAX;
  for (const row of rows) {
    const removing = row.querySelector("[data-remove-link]");
    if (removing) removing.disabled = editor.hasAttribute("data-links-required") && rows.length === 1;
    advise(row);
    warnOfTwice(row, rows);
  }
}

function advise(row) {
  const place = row.querySelector("[data-advice]:not(option)");
  place.textContent = addressOf(row).selectedOptions[0]?.dataset.advice ?? "";
  place.hidden = !place.textContent;
}

function warnOfTwice(row, rows) {
  const slot = row.querySelector("[data-error-for-link]");
  const twice = (of) => of(row).value && rows.some((other) => other !== row && of(other).value === of(row).value);
  slot.textContent = twice(numberOf)
    ? t("Link {number} is given more than once.").replace("{number}", numberOf(row).value)
    : twice(addressOf)
      ? t("{address} is used for more than one link.").replace("{address}", addressOf(row).value)
      : "";
  addressOf(row).setAttribute("aria-invalid", String(Boolean(slot.textContent)));
}
