// Latencies: a click on a cell of a table, or on a square of a map, opens the past of that pair.
const opened = (node, peer, link) =>
  window.htmx.ajax("GET", `/datacenter/cluster/links/history?${new URLSearchParams({ node, peer, link })}`, {
    target: "#dialog-slot",
    swap: "innerHTML",
  });

document.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-heat]");
  if (cell) opened(...cell.dataset.heat.split(" "));
  const pair = pairAt(event);
  if (pair) opened(pair.node, pair.peer, pair.link);
});

document.addEventListener("mousemove", (event) => {
  const map = event.target.closest?.("[data-heat-map]");
  if (!map) return;
  const pair = pairAt(event);
  map.querySelector("title")?.remove();
  if (!pair) return;
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = `${pair.node} → ${pair.peer}`;
  map.prepend(title);
});

function pairAt(event) {
  const map = event.target.closest?.("[data-heat-map]");
  if (!map) return null;
  const names = map.dataset.heatNames.split(" ");
  const place = map.getBoundingClientRect();
  const at = (pixel, begin, length) => names[Math.floor(((pixel - begin) / length) * names.length)];
  const node = at(event.clientY, place.top, place.height);
  const peer = at(event.clientX, place.left, place.width);
  return node && peer && node !== peer ? { node, peer, link: map.dataset.heatMap } : null;
}
