// What if: a click on a node of the drawing turns its switch. The switches themselves are the form's; the server decides.
document.addEventListener("click", (event) => {
  const spot = event.target.closest(".supposed [data-suppose]");
  if (!spot) return;
  const name = CSS.escape(spot.dataset.suppose);
  const box = document.querySelector(`[data-suppose-form] input[name="node-off"][value="${name}"]`);
  box?.click();
});
