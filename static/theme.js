// Puts the reader's choices on the page before it is painted: colours, and whether the tasks are open.
// A classic script in the head, so that nothing flashes; the controls are in js/shell.js.
(function () {
  var page = document.documentElement;
  try {
    var theme = localStorage.getItem("quire.theme");
    if (theme === "light" || theme === "dark") page.dataset.theme = theme;
    ["density", "times", "view"].forEach(function (name) {
      var kept = localStorage.getItem("quire." + name);
      if (kept) page.dataset[name] = kept;
    });
    page.dataset.drawer = localStorage.getItem("quire.drawer") || (innerWidth < 700 ? "closed" : "open");
  } catch (error) {
    page.dataset.drawer = "open";
  }
})();
