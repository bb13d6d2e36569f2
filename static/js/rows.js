// Tables whose rows are walked by keys: one row is in the tab order, the arrow keys, Home and End move from there.
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-rows] tbody tr");
  if (!row || event.target !== row || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = {
    ArrowDown: row.nextElementSibling,
    ArrowUp: row.previousElementSibling,
    Home: row.parentElement.firstElementChild,
    End: row.parentElement.lastElementChild,
  }[event.key];
  if (!next) return;
  event.preventDefault();
  for (const other of row.parentElement.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

// The box above a long list: rows that have not all of its words are put aside, also in a list that came anew.
const find = () => {
  const box = document.querySelector("[data-find]");
  if (!box) return;
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll("#shown tbody tr")];
  for (const row of rows) {
    const said = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => said.includes(word));
  }
  const left = rows.filter((row) => !row.hidden).length;
  document.querySelector("[data-found]").textContent = words.length ? `${left} / ${rows.length}` : "";
};
document.addEventListener("input", (event) => event.target.matches?.("[data-find]") && find());
document.addEventListener("htmx:afterSwap", find);
find(); // what was typed before this script was there
