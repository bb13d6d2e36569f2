// The page's behaviour, a module each. Everything listens on the document, because fragments come and go.
import "./copy.js";
import "./dialogs.js";
import "./focus.js";
import "./live.js";
import "./session.js";
import "./shell.js";
import "./suppose.js";
import "./times.js";
import "./words.js";

// What is first used after a click comes once the page stands.
const later = () =>
  Promise.all([
    import("./charts.js"),
    import("./forms.js"),
    import("./heat.js"),
    import("./keys.js"),
    import("./links.js"),
    import("./palette.js"),
    import("./rows.js"),
    import("./webauthn.js"),
  ]).then(sayComplete, sayIncomplete);
if (document.readyState === "complete") later();
else addEventListener("load", later);

// What head.js waits for, and what takes its sentence back.
const page = document.documentElement;
page.dataset.script = "runs";

function sayComplete() {
  page.dataset.scripts = "all"; // for whoever waits until everything listens
}

function sayIncomplete() {
  page.dataset.script = "in part";
  document.getElementById("script-bar").hidden = false;
}
