// The frame around the content: where one is, the tree on small screens, colours, the tasks at the foot, failures.
import { t } from "./words.js";

const page = document.documentElement;
const THEMES = { system: t("Colours: as the system has them"), light: t("Colours: light"), dark: t("Colours: dark") };
const ICONS = { system: "system", light: "sun", dark: "moon" };

// --- where one is ---

function markCurrent() {
  const path = location.pathname;
  for (const link of document.querySelectorAll("[data-nav]")) {
    const here = link.dataset.nav.split(" ").some((start) => path === start || (start !== "/" && path.startsWith(`${start}/`)));
    if (here === link.hasAttribute("aria-current")) continue;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

markCurrent();
for (const name of ["htmx:pushedIntoHistory", "htmx:historyRestore", "htmx:wsAfterMessage"]) {
  document.addEventListener(name, markCurrent);
}

// A new page begins at its top and with its heading, for the eye and for a screen reader.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "content") return;
  event.target.scrollTop = 0;
  closeTree();
  if (!document.querySelector("dialog[open]")) event.target.focus({ preventScroll: true });
});

// --- the tree, where there is no room for it ---

const treeButton = document.querySelector("[data-open-tree]");

treeButton.addEventListener("click", () => (page.dataset.tree === "open" ? closeTree() : openTree()));
document.querySelector("[data-close-tree]").addEventListener("click", closeTree);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && page.dataset.tree === "open") closeTree();
});

function openTree() {
  page.dataset.tree = "open";
  treeButton.setAttribute("aria-expanded", "true");
  document.querySelector("#tree a")?.focus();
}

function closeTree() {
  if (page.dataset.tree !== "open") return;
  delete page.dataset.tree;
  treeButton.setAttribute("aria-expanded", "false");
  treeButton.focus();
}

// --- colours ---

const themeButton = document.querySelector("[data-theme-button]");
showTheme();

themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  chooseTheme(names[(names.indexOf(page.dataset.theme ?? "system") + 1) % names.length]);
});

export function chooseTheme(theme) {
  if (theme === "system") delete page.dataset.theme;
  else page.dataset.theme = theme;
  keep("quire.theme", theme);
  showTheme();
}

function showTheme() {
  const theme = page.dataset.theme ?? "system";
  const words = THEMES[theme];
  themeButton.title = words;
  themeButton.setAttribute("aria-label", words);
  themeButton.querySelector("use").setAttribute("href", `#i-${ICONS[theme]}`);
}

// --- how much there is on a page, and how times are told ---

const densityButton = document.querySelector("[data-density-button]");
const timesButton = document.querySelector("[data-times-button]");

densityButton.addEventListener("click", () => chooseDensity(page.dataset.density === "compact" ? "comfortable" : "compact"));
timesButton.addEventListener("click", () => chooseTimes(page.dataset.times === "exact" ? "relative" : "exact"));

export function chooseDensity(density) {
  page.dataset.density = density;
  keep("quire.density", density);
  showChoices();
}

export function chooseTimes(times) {
  page.dataset.times = times;
  keep("quire.times", times);
  showChoices();
  document.dispatchEvent(new Event("quire:times"));
}

function showChoices() {
  densityButton.setAttribute("aria-pressed", String(page.dataset.density === "compact"));
  timesButton.setAttribute("aria-pressed", String(page.dataset.times === "exact"));
  for (const button of document.querySelectorAll("[data-tree-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.treeView === (page.dataset.view ?? "server")));
  }
}

for (const button of document.querySelectorAll("[data-tree-view]")) {
  button.addEventListener("click", () => {
    page.dataset.view = button.dataset.treeView;
    keep("quire.view", page.dataset.view);
    showChoices();
  });
}
showChoices();

// --- tasks and log at the foot ---

const drawerButton = document.querySelector("[data-toggle-drawer]");
const drawerTabs = [...document.querySelectorAll("[data-drawer-tab]")];
const narrow = matchMedia("(max-width: 700px)");
showDrawer(page.dataset.drawer !== "closed");
drawerButton.addEventListener("click", toggleDrawer);
narrow.addEventListener("change", () => showDrawer((kept(drawerKey()) ?? (narrow.matches ? "closed" : "open")) === "open"));

export function toggleDrawer() {
  showDrawer(page.dataset.drawer === "closed");
  keep(drawerKey(), page.dataset.drawer);
}

// Where there is little room the choice is another one, with closed to begin with; head.js knows it too.
function drawerKey() {
  return narrow.matches ? "quire.drawer.narrow" : "quire.drawer";
}

function showDrawer(open) {
  page.dataset.drawer = open ? "open" : "closed";
  drawerButton.setAttribute("aria-expanded", String(open));
  drawerButton.setAttribute("aria-label", open ? t("Hide tasks and log") : t("Show tasks and log"));
}

for (const tab of drawerTabs) {
  tab.addEventListener("click", () => chooseDrawerTab(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = drawerTabs.find((each) => each !== tab);
    chooseDrawerTab(other);
    other.focus();
  });
}

// The log is only there while it is looked at: then the page is told when there is more of it.
function chooseDrawerTab(chosen) {
  for (const tab of drawerTabs) {
    const pane = document.getElementById(tab.getAttribute("aria-controls"));
    pane.hidden = tab !== chosen;
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
  }
  const log = document.getElementById("drawer-log");
  if (log.hidden) log.replaceChildren();
  else htmx.trigger(log, "quire:show-log");
  if (page.dataset.drawer === "closed") toggleDrawer();
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing forgets the choice with the page.
  }
}

function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

// --- the user menu: closes when the attention goes elsewhere ---

const menu = document.querySelector("[data-menu]");
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false;
});
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// --- what went wrong with a request that shows no errors of its own ---

const failureBar = document.getElementById("failure-bar");
document.querySelector("[data-close-failure]").addEventListener("click", () => (failureBar.hidden = true));

const askedAgain = new WeakSet();

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.xhr?.status === 401) return; // session.js
    if (name === "htmx:sendError" && asksAgain(event.detail)) return;
    showFailure(failureWords(event.detail.xhr), event.detail.elt?.closest?.("dialog[open]")?.querySelector(".form-errors"));
  });
}
document.addEventListener("htmx:beforeRequest", () => (failureBar.hidden = true));

// What a dialog asked for is said in the dialog, which covers the bar.
function showFailure(words, errors) {
  if (errors) {
    const sentence = document.createElement("p");
    sentence.className = "form-error";
    sentence.textContent = words;
    errors.replaceChildren(sentence);
    return;
  }
  failureBar.querySelector("[data-failure]").textContent = words;
  failureBar.hidden = false;
}

// A question that got lost on its way, as when a network changes, is asked once more; what changes something is not.
function asksAgain({ elt, requestConfig }) {
  if (requestConfig.verb !== "get" || !elt.isConnected || askedAgain.has(elt)) return false;
  askedAgain.add(elt);
  setTimeout(() => askedAgain.delete(elt), 5000);
  setTimeout(() => htmx.trigger(elt, "click"), 250);
  return true;
}

// An error's fragment says it in words; it is read as text, never put into the page.
function failureWords(answer) {
  const text = answer?.responseText ? new DOMParser().parseFromString(answer.responseText, "text/html") : null;
  return text?.querySelector(".note")?.textContent.trim() || t("This node did not answer. Try again in a moment.");
}

// On a phone the tabs are wider than the window: the one that is shown is in it.
function showTab() {
  for (const tabs of document.querySelectorAll("#content .tabs, #content .subtabs")) {
    const shown = tabs.querySelector("[aria-current]");
    if (shown && tabs.scrollWidth > tabs.clientWidth) tabs.scrollLeft = shown.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - shown.offsetWidth) / 2;
  }
}

showTab();
addEventListener("resize", showTab);
document.addEventListener("htmx:afterSettle", (event) => event.target.id === "content" && showTab());
