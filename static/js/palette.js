// The command palette (Ctrl-K or /): every page, every node and every action of this page, found by a few letters.
import { chooseDensity, chooseTheme, chooseTimes, toggleDrawer } from "./shell.js";
import { t } from "./words.js";

const NODE_TABS = [["network", t("Network")], ["time", t("Time")], ["services", t("Services")], ["journal", t("Journal")], ["certificates", t("Certificates")], ["updates", t("Updates")], ["tasks", t("Tasks")]];
const SHOWN_MAX = 40;
let dialog, field, list;
let found = [];
let chosen = 0;
let before = null;

// The palette and the list of keys come from the server, for they speak the visitor's language.
const arrived = htmx.ajax("GET", "/datacenter/palette", { target: "#palette-slot" }).then(() => {
  dialog = document.getElementById("palette");
  field = dialog.querySelector("input");
  list = dialog.querySelector("[role=listbox]");
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body) before?.focus({ preventScroll: true }); // else it is elsewhere already
  });
  field.addEventListener("input", search);
  field.addEventListener("keydown", onKey);
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(found[Number(option.dataset.number)]);
  });
});

export async function openPalette() {
  await arrived;
  if (!dialog || document.querySelector("dialog[open]")) return;
  before = document.activeElement;
  field.value = "";
  dialog.showModal();
  search();
}

export async function openKeys() {
  await arrived;
  document.getElementById("keys")?.showModal();
}

function onKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    choose((chosen + step + found.length) % Math.max(found.length, 1));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (found[chosen]) run(found[chosen]);
  }
}

function commands() {
  const links = [...document.querySelectorAll("#tree-list a[data-nav], #palette-pages a")].map((link) => ({
    name: (link.dataset.name ?? link.querySelector(".tree-name")?.textContent ?? link.textContent).trim().replace(/\s+/g, " "),
    kind: link.dataset.kind ?? t("Page"),
    go: () => link.click(),
  }));
  const tabs = [...document.querySelectorAll("#tree-list a[data-nav^='/nodes/']")].flatMap((link) =>
    NODE_TABS.map(([tab, label]) => ({
      name: `${link.title}: ${label}`,
      kind: t("Node"),
      go: () => visit(`${link.getAttribute("href")}/${tab}`),
    })),
  );
  const actions = [...document.querySelectorAll("#content [data-dialog]:not(:disabled), #content .button:not(:disabled)")]
    .filter((button) => button.textContent.trim() && button.offsetParent)
    .map((button) => ({ name: button.textContent.trim().replace(/\s+/g, " "), kind: t("Action"), go: () => button.click() }));
  const choices = [
    [t("Colours: light"), () => chooseTheme("light")],
    [t("Colours: dark"), () => chooseTheme("dark")],
    [t("Colours: as the system has them"), () => chooseTheme("system")],
    [t("Density: comfortable"), () => chooseDensity("comfortable")],
    [t("Density: compact"), () => chooseDensity("compact")],
    [t("Times: how long ago"), () => chooseTimes("relative")],
    [t("Times: exact"), () => chooseTimes("exact")],
    [t("Show or hide tasks and log"), toggleDrawer],
    [t("Keyboard shortcuts"), openKeys],
  ].map(([name, go]) => ({ name, kind: t("Setting"), go }));
  return [...links, ...actions, ...choices, ...tabs];
}

function visit(path) {
  htmx.ajax("GET", path, { target: "#content", swap: "innerHTML" }).then(() => {
    history.pushState({ htmx: true }, "", path);
    document.dispatchEvent(new Event("htmx:pushedIntoHistory")); // the tree shows where one is
  });
}

// Every word must occur; what begins with the words comes first.
function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const score = ({ name }) => (words[0] && name.toLowerCase().startsWith(words[0]) ? 0 : 1);
  found = commands()
    .filter(({ name, kind }) => words.every((word) => `${name} ${kind}`.toLowerCase().includes(word)))
    .sort((one, other) => score(one) - score(other))
    .slice(0, SHOWN_MAX);
  list.replaceChildren(
    ...found.map(({ name, kind }, number) => {
      const option = document.createElement("div");
      option.setAttribute("role", "option");
      option.id = `palette-${number}`;
      option.dataset.number = number;
      option.append(Object.assign(document.createElement("span"), { textContent: name, className: "palette-name" }));
      option.append(Object.assign(document.createElement("span"), { textContent: kind, className: "palette-kind" }));
      return option;
    }),
  );
  dialog.querySelector("[data-palette-none]").hidden = found.length > 0;
  choose(0);
}

function choose(number) {
  chosen = number;
  for (const option of list.children) option.setAttribute("aria-selected", String(Number(option.dataset.number) === chosen));
  if (found[chosen]) field.setAttribute("aria-activedescendant", `palette-${chosen}`);
  else field.removeAttribute("aria-activedescendant");
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function run(command) {
  before = null;
  dialog.close();
  command.go();
}
