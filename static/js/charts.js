// A node's charts: drawn by uPlot from the API's rrddata, zoomed by dragging, one cursor over all of them, and live at
// the right edge. uPlot is fetched when a page has charts, and not before.
import { t } from "./words.js";

const VENDOR = new URL("../vendor/", import.meta.url);
const KIB = 1024;
const percent = (value) => `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
const plain = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));
const pressure = (value) => `${value.toFixed(1)} %`;
function bytes(value, unit = "") {
  const power = Math.min(5, Math.max(0, Math.floor(Math.log(Math.max(value, 1)) / Math.log(KIB))));
  return `${(value / KIB ** power).toFixed(power ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB", "PiB"][power]}${unit}`;
}
const rate = (value) => bytes(value, "/s");

// [name in rrddata, label, name in a live sample, colour]
const CHARTS = {
  cpu: { show: percent, top: 1, lines: [["cpu", "CPU", "cpu", 1], ["iowait", t("waits for disks"), "wait", 2]] },
  load: { show: plain, lines: [["loadavg", t("Load"), "loadavg1", 1], ["maxcpu", t("Cores"), "maxcpu", 3]] },
  memory: { show: bytes, lines: [["memused", t("Used"), "memused", 1], ["memtotal", t("Total"), "memtotal", 3]] },
  swap: { show: bytes, lines: [["swapused", t("Used"), "swapused", 1], ["swaptotal", t("Total"), "swaptotal", 3]] },
  network: { show: rate, lines: [["netin", t("In"), "netin_rate", 1], ["netout", t("Out"), "netout_rate", 2]] },
  disk: { show: bytes, lines: [["rootused", t("Used"), "rootused", 1], ["roottotal", t("Total"), "roottotal", 3]] },
  pressure: {
    show: pressure,
    lines: [
      ["pressurecpusome", "CPU", "pressurecpusome", 1],
      ["pressureiosome", t("Disks"), "pressureiosome", 2],
      ["pressurememorysome", t("Memory"), "pressurememorysome", 4],
    ],
  },
};

let shown = null; // {panel, plots: [{plot, chart, data}], frame}
let library = null;

document.addEventListener("htmx:afterSwap", look);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-frame]");
  if (button) draw(button.closest("[data-charts]"), button.dataset.frame);
});
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme", "data-density"] });
addEventListener("resize", () => shown?.plots.forEach(({ plot, place }) => plot.setSize({ width: place.clientWidth, height: heightOf(place) })));
document.addEventListener("htmx:wsAfterMessage", addNewest);
look();

function look() {
  const panel = document.querySelector("[data-charts]");
  if (shown && shown.panel !== panel) clear();
  if (panel && !panel.dataset.drawn) draw(panel, "hour");
}

async function draw(panel, frame) {
  panel.dataset.drawn = frame;
  for (const button of panel.querySelectorAll("[data-frame]")) button.setAttribute("aria-pressed", String(button.dataset.frame === frame));
  const note = panel.querySelector("[data-charts-note]");
  try {
    await (library ??= load());
    const answer = await fetch(`/api2/json/nodes/${panel.dataset.charts}/rrddata?timeframe=${frame}&cf=AVERAGE`);
    if (!answer.ok) throw new Error(String(answer.status));
    const rows = (await answer.json()).data;
    const isWanted = () => panel.dataset.drawn === frame && panel.isConnected;
    if (!isWanted()) return;
    clear();
    note.hidden = rows.some((row) => "cpu" in row);
    note.textContent = t("Nothing has been heard from this node in this time.");
    const plots = await plotsOf(panel, rows, isWanted);
    if (!plots) return;
    shown = { panel, frame, plots };
  } catch {
    note.hidden = false;
    note.textContent = window.uPlot ? t("The figures could not be read. Try again in a moment.") : t("This node serves no charts: run script/setup where npm is.");
  }
}

function load() {
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("uplot.css", VENDOR) });
  const script = Object.assign(document.createElement("script"), { src: new URL("uplot.js", VENDOR) });
  document.head.append(style, script);
  return new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
}

// One after the other, so that the page answers in between; nothing when another timeframe was chosen meanwhile.
async function plotsOf(panel, rows, isWanted) {
  const times = rows.map((row) => row.time);
  const plots = [];
  for (const place of panel.querySelectorAll("[data-chart]")) {
    const chart = CHARTS[place.dataset.chart];
    const data = [times, ...chart.lines.map(([name]) => rows.map((row) => row[name] ?? null))];
    describe(place, chart, data);
    plots.push({ place, chart, data, plot: new uPlot(options(place, chart), data, place) });
    await new Promise((next) => setTimeout(next));
    if (!isWanted()) return plots.forEach(({ plot }) => plot.destroy());
  }
  return plots;
}

const two = (number) => String(number).padStart(2, "0");
function moment(time, step) {
  const at = new Date(time * 1000);
  if (step < 86400) return `${two(at.getHours())}:${two(at.getMinutes())}`;
  return `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function options(place, chart) {
  const colour = (name) => colourOf(place, name);
  const axis = { stroke: colour("text"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "11px sans-serif" };
  return {
    width: place.clientWidth,
    height: heightOf(place),
    cursor: { sync: { key: "node" }, drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => [0, chart.top ?? Math.max((high || 1) * 1.08, 1e-6)] } },
    axes: [{ ...axis, size: 32, values: (_, ticks) => ticks.map((tick) => moment(tick, ticks[1] - ticks[0])) }, { ...axis, size: 68, values: (_, ticks) => ticks.map((tick) => chart.show(tick)) }],
    series: [
      { label: t("Time"), value: (_, time) => (time ? new Date(time * 1000).toLocaleString("sv") : "–") },
      ...chart.lines.map(([, label, , number], index) => ({
        label,
        stroke: colour(number),
        width: 1.5,
        fill: index === 0 && number === 1 ? colour("fill") : undefined,
        value: (_, value) => (value == null ? "–" : chart.show(value)),
        points: { show: false },
      })),
    ],
  };
}

// The place is there before the chart is: its style says how high, with room for the legend (tokens.css).
function heightOf(place) {
  return parseFloat(getComputedStyle(place).getPropertyValue("--chart"));
}

// A token may be one colour by day and another by night: only an element that has it knows which.
function colourOf(place, name) {
  place.className = `chart series-${name}`;
  const found = getComputedStyle(place).outlineColor;
  place.className = "chart";
  return found;
}

// The newest reading becomes the right edge: within the hour's last minutes, every two seconds.
function addNewest() {
  if (shown?.frame !== "hour") return;
  const said = document.querySelector("[data-sample]");
  if (!said || said.dataset.taken) return;
  said.dataset.taken = "1";
  const sample = JSON.parse(said.dataset.sample);
  const times = shown.plots[0].data[0]; // one list for all of them
  if (sample.time <= times[times.length - 1]) return;
  times.push(sample.time);
  for (const { chart, data, place } of shown.plots) {
    chart.lines.forEach(([, , name], index) => data[index + 1].push(sample.values[name] ?? null));
    describe(place, chart, data);
  }
  const late = times.findIndex((time) => time > sample.time - 3600);
  if (late > 0) {
    times.splice(0, late);
    for (const { data } of shown.plots) data.slice(1).forEach((line) => line.splice(0, late));
  }
  for (const { plot, data } of shown.plots) plot.setData(data, plot.scales.x.max >= times[times.length - 2]);
}

// What a screen reader hears of a chart: its newest figures.
function describe(place, chart, data) {
  const newest = chart.lines.map(([, label], index) => {
    const value = data[index + 1].findLast((each) => each != null);
    return `${label} ${value === undefined ? t("unknown") : chart.show(value)}`;
  });
  place.setAttribute("aria-label", `${place.dataset.title}: ${newest.join(", ")}`);
}

function repaint() {
  if (shown) draw(shown.panel, shown.frame);
}

function clear() {
  for (const { plot } of shown?.plots ?? []) plot.destroy();
  shown = null;
}
