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
const later = () => {
  import("./charts.js");
  import("./forms.js");
  import("./heat.js");
  import("./keys.js");
  import("./links.js");
  import("./palette.js");
  import("./rows.js");
  import("./webauthn.js");
};
if (document.readyState === "complete") later();
else addEventListener("load", later);
