// Forms: an answer's errors go to the fields they are about, and nothing that was typed is touched.
// The server sends sentences as [data-field]; whatever has no field on the form stays at its top.

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest?.("form");
  if (!form) return;
  if (event.target === form) clear(form);
  else if (event.target.name && event.target.value !== event.target.refused) say(form, event.target.name, "");
});

document.addEventListener("htmx:afterSwap", (event) => {
  const form = event.target.closest?.("form");
  if (!form) return;
  for (const sentence of event.target.querySelectorAll("[data-field]")) {
    if (say(form, sentence.dataset.field, sentence.textContent)) sentence.remove();
  }
  if (!event.target.matches(".form-errors")) return;
  for (const field of form.elements) judge(field, field.getAttribute("aria-invalid") !== "true");
  for (const field of form.querySelectorAll("[aria-invalid=true]")) field.refused = field.value;
  form.querySelector("[aria-invalid=true]")?.focus();
});

// The button that sends is disabled until there is an answer, and a key that pressed it would be left with nothing.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt?.closest?.("dialog[open] form");
  if (!form || form.contains(document.activeElement)) return;
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("[type=submit]"))?.focus();
});

// A field is judged when it is left, and from then on with every key, so that an error goes as soon as it is mended.
document.addEventListener("focusout", (event) => {
  if (event.target.getAttribute?.("aria-invalid") !== "true") judge(event.target, Boolean(event.target.value));
});
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.getAttribute?.("aria-invalid") !== "true" || !field.form) return;
  if (field.dataset.mismatch) judge(field, true);
  else say(field.form, field.name, "");
});

function judge(field, isDue) {
  if (!isDue || !field.dataset?.mismatch || !field.form) return;
  const { valueMissing, patternMismatch } = field.validity;
  say(field.form, field.name, valueMissing ? field.dataset.missing : patternMismatch ? field.dataset.mismatch : "");
}

function clear(form) {
  form.querySelector(".form-errors")?.replaceChildren();
  for (const slot of form.querySelectorAll(".field-error")) slot.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

// Writes a sentence (or none) at a field. False when the form shows no such field now.
function say(form, name, sentence) {
  const link = /^(?:link|ring)(\d)(?:_addr)?$/.exec(name);
  const rows = link ? linkPlaces(form, link[1]) : [];
  const places = rows.length ? rows : fieldPlaces(form, name);
  for (const { field, slot } of places) {
    slot.textContent = sentence;
    if (sentence) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
  return places.length > 0;
}

function fieldPlaces(form, name) {
  const slots = [...form.querySelectorAll(`[data-error-for="${CSS.escape(name)}"]`)].filter(isShown);
  for (const slot of slots) slot.closest("details")?.setAttribute("open", "");
  return slots.map((slot) => ({ slot, field: form.querySelector(`[aria-describedby~="${slot.id || "-"}"]`) }));
}

function linkPlaces(form, number) {
  const rows = [...form.querySelectorAll("[data-link-row]")].filter(isShown);
  return rows
    .filter((row) => row.querySelector("[data-link-number]")?.value === number)
    .map((row) => ({
      slot: row.querySelector("[data-error-for-link]"),
      field: row.querySelector("[data-link-address]"),
    }));
}

// Inside a closed <details> counts as shown: it is opened. The other way of a form with two ways does not.
function isShown(element) {
  const way = element.closest(".only-assisted, .only-manual");
  return !way || way.getClientRects().length > 0;
}
