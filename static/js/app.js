// The page's behaviour, a module each. Everything listens on the document, because fragments come and go.
import "./copy.js";
import "./dialogs.js";
import "./live.js";
import "./session.js";
import "./shell.js";
import "./suppose.js";
import "./times.js";
import "./words.js";

// What is first used after a click comes once the page stands.
const LATER = ["./charts.js", "./forms.js", "./heat.js", "./keys.js", "./links.js", "./palette.js", "./rows.js", "./webauthn.js"];
const later = () => LATER.forEach((name) => import(name));
if (document.readyState === "complete") later();
else addEventListener("load", later);
