// The keyboard map: single keys and "g" with a second one, never while something is typed. `?` shows them all.
import { toggleDrawer } from "./shell.js";

const SECOND_WITHIN_MS = 1500;
const PLACES = { s: "/datacenter/summary", c: "/datacenter/cluster", f: "/datacenter/config", a: "/datacenter/api" };
const palette = async () => (await import("./palette.js")).openPalette();
const showKeys = async () => (await import("./palette.js")).openKeys();
let firstAt = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (inTree(event)) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (handled(event.key)) event.preventDefault();
});

function handled(key) {
  const second = Date.now() - firstAt < SECOND_WITHIN_MS;
  firstAt = 0;
  if (second) return goTo(key);
  if (key === "g") firstAt = Date.now();
  else if (key === "/") palette();
  else if (key === "?") showKeys();
  else if (key === "t") toggleDrawer();
  else if (key === "[" || key === "]") return nextTab(key === "]" ? 1 : -1);
  else return false;
  return true;
}

function goTo(key) {
  const link =
    key === "n"
      ? document.querySelector("#tree-list a[data-nav^='/nodes/']")
      : document.querySelector(`.tabs a[href="${PLACES[key] ?? "-"}"], #palette-pages a[href="${PLACES[key] ?? "-"}"]`);
  link?.click();
  return Boolean(link);
}

function nextTab(step) {
  const tabs = [...document.querySelectorAll(".page-head .tabs a")];
  const here = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
  tabs[(here + step + tabs.length) % tabs.length]?.click();
  return tabs.length > 0;
}

// The tree is walked with the arrow keys.
function inTree(event) {
  const item = event.target.closest("#tree-list a");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!item || !step) return false;
  const items = [...document.querySelectorAll("#tree-list a")].filter((each) => each.offsetParent);
  items[(items.indexOf(item) + step + items.length) % items.length]?.focus();
  event.preventDefault();
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-palette]")) palette();
  if (event.target.closest("[data-open-keys]")) showKeys();
});
