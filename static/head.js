// What a page needs before its modules: the reader's choices, so that nothing flashes, and a watch over whether the
// modules come at all. A classic script in the head; the controls are in js/shell.js, the modules' word in js/app.js.
(function () {
  var page = document.documentElement;
  var narrow = matchMedia("(max-width: 700px)").matches; // there they would cover the page
  page.dataset.drawer = narrow ? "closed" : "open";
  try {
    var theme = localStorage.getItem("quire.theme");
    if (theme === "light" || theme === "dark") page.dataset.theme = theme;
    ["density", "times", "view"].forEach(function (name) {
      var kept = localStorage.getItem("quire." + name);
      if (kept) page.dataset[name] = kept;
    });
    page.dataset.drawer = localStorage.getItem(narrow ? "quire.drawer.narrow" : "quire.drawer") || page.dataset.drawer;
  } catch (error) {
    // A browser that keeps nothing shows what it shows at first.
  }
})();

// A network that changes while a page is loaded takes its script away, and the page would say "Connecting" for ever. So
// it says what is the matter, and once for each page loads itself anew as soon as the node answers.
(function () {
  var LATE_MS = 20000; // for a script that neither comes nor fails
  var ASKED_AFTER_MS = [500, 2000, 8000];
  var KEY = "quire.loaded-anew";
  var page = document.documentElement;

  addEventListener("load", function () {
    if (runs()) forget();
    else if (sayMissing() && isFirstTime()) loadAnew(0);
  });
  setTimeout(function () {
    if (!runs()) sayMissing();
  }, LATE_MS);

  function runs() {
    return page.dataset.script === "runs";
  }

  function sayMissing() {
    var bar = document.getElementById("script-bar");
    if (!bar) return false; // a page that has no modules
    page.dataset.socket = "missing";
    bar.hidden = false;
    return true;
  }

  function loadAnew(turn) {
    if (turn === ASKED_AFTER_MS.length) return;
    setTimeout(function () {
      fetch(location.href, { cache: "no-store" }).then(
        function (answer) {
          if (answer.ok) location.reload();
        },
        function () {
          loadAnew(turn + 1);
        },
      );
    }, ASKED_AFTER_MS[turn]);
  }

  // Where nothing can be kept it would be the first time for ever: there the reader decides.
  function isFirstTime() {
    try {
      if (sessionStorage.getItem(KEY) === location.href) return false;
      sessionStorage.setItem(KEY, location.href);
      return true;
    } catch (error) {
      return false;
    }
  }

  function forget() {
    try {
      sessionStorage.removeItem(KEY);
    } catch (error) {
      // Then nothing was kept.
    }
  }
})();
