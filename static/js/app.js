// The page's behaviour, a module each. Everything listens on the document, because fragments come and go.
import "./copy.js";
import "./dialogs.js";
import "./forms.js";
import "./links.js";
import "./live.js";
import "./rows.js";
import "./session.js";
import "./shell.js";
import "./times.js";
import "./webauthn.js";
