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
