// The focus outlives what it was in: when a change puts a part of the page anew, it goes to the same control there.
// What is the same control is told by its id, or by what it does within the nearest part that is still there.
const DOES = ["hx-get", "hx-post", "hx-delete", "href", "name", "value", "for", "aria-label"];

export function placeOf(control) {
  const around = [];
  for (let part = control.parentElement?.closest("[id]"); part; part = part.parentElement?.closest("[id]")) around.push(part.id);
  return { control, around };
}

// The control itself while it is there, else the same one put anew, else null.
export function foundAgain({ control, around }) {
  if (control.isConnected) return control;
  if (control.id) return document.getElementById(control.id);
  const part = around.map((id) => document.getElementById(id)).find(Boolean) ?? document;
  return [...part.querySelectorAll(control.localName)].find((other) => does(other) === does(control)) ?? null;
}

function does(control) {
  const told = DOES.map((name) => control.getAttribute(name));
  return told.some(Boolean) ? told.join("\n") : control.textContent.trim();
}

let place = null;
for (const name of ["htmx:wsBeforeMessage", "htmx:beforeSwap"]) {
  document.addEventListener(name, () => {
    const at = document.activeElement;
    if (at && at !== document.body) place = placeOf(at);
  });
}
for (const name of ["htmx:wsAfterMessage", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    if (place && !place.control.isConnected && document.activeElement === document.body) {
      foundAgain(place)?.focus({ preventScroll: true });
    }
    place = null;
  });
}
