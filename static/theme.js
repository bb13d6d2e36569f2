// Puts the reader's choices on the page before it is painted: colours, and whether the tasks are open.
// A classic script in the head, so that nothing flashes; the controls are in js/shell.js.
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
