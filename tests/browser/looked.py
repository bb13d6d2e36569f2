"""What a walk looks at on a page, as scripts for the browser: axe, widths, boxes, focus, language, what it offers.

Each is evaluated with the selector of the room it is about. Where a walk goes is `walk.py`.
"""

from __future__ import annotations

from importlib.resources import files

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
BY_AXE = """async (where) => {
  const {violations} = await axe.run(where, {resultTypes: ['violations']});
  const some = (nodes) => nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ');
  return violations.map(({id, nodes}) => `${id}: ${some(nodes)}`);
}"""
# Words that no German sentence has; names of services, paths and the texts of logs are marked as nobody's to translate.
ENGLISH = """(where) => {
  const words = /\\b(the|is|are|of|and|with|from|this|that|has|have|it|every|until|not|yet|be)\\b/;
  const skipped = 'code, pre, kbd, select, textarea, .mono, .log, [translate=no], [data-socket-since]';
  const found = [];
  const walker = document.createTreeWalker(document.querySelector(where), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const place = node.parentElement;
    if (place.closest(skipped + ', script, style') || !place.checkVisibility()) continue;
    if (words.test(node.textContent)) found.push(node.textContent.trim().slice(0, 160));
  }
  return found;
}"""
# In each theme: nothing is wider than the window or runs out of its box, whatever can have the focus shows that it has
# it, and no text is there in one theme alone. Both are looked at in one turn, so that no change comes in between.
IN_BOTH_THEMES = """([where, first]) => {
  const page = document.documentElement, room = document.querySelector(where), found = [], texts = [];
  const can = 'a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, summary';
  // A cell that is wider than its row, or runs into the one beside it, as where each row is a card.
  const runsOut = (cell) => {
    if (!cell.checkVisibility()) return false;
    const {right, top} = cell.getBoundingClientRect(), next = cell.nextElementSibling?.getBoundingClientRect();
    if (right > cell.parentElement.getBoundingClientRect().right + 1) return true;
    const inside = Math.max(...[...cell.children].map((one) => one.getBoundingClientRect().right));
    return Boolean(next) && next.top === top && next.width > 0 && next.left < Math.max(right, inside) - 1;
  };
  const say = (theme, what, one) => found.push(`in ${theme} ${what}: ${one.outerHTML.slice(0, 140)}`);
  const had = document.activeElement;
  const themes = first === 'light' ? ['dark', 'light'] : ['light', 'dark'];
  for (const theme of themes) {  // before anything has the focus: what is out of sight is drawn once it has
    page.dataset.theme = theme;
    texts.push(room.innerText);
  }
  for (const theme of themes) {
    page.dataset.theme = theme;
    const wider = page.scrollWidth - page.clientWidth;
    if (wider > 1) found.push(`in ${theme} ${wider} px wider than the window`);
    let spilled = null;
    for (const one of room.querySelectorAll('*')) {
      if (!one.clientWidth || one.scrollWidth <= one.clientWidth + 1 || one.closest('svg')) continue;
      if (one.matches('table, tbody, tr')) continue;  // their cells are looked at
      const {overflowX, display} = getComputedStyle(one);
      if (overflowX === 'visible' && display !== 'inline' && one.checkVisibility()) spilled = one;
    }
    if (spilled) say(theme, 'runs out of its box', spilled);
    const cell = [...room.querySelectorAll('tbody :is(td, th)')].find(runsOut);
    if (cell) say(theme, 'is wider than its place in the row', cell);
    for (const one of room.querySelectorAll(can)) {
      if (one.tabIndex < 0 || !one.checkVisibility({visibilityProperty: true})) continue;
      one.focus({preventScroll: true});
      const {outlineStyle, boxShadow} = getComputedStyle(one);
      const ringed = outlineStyle !== 'none' || boxShadow !== 'none' || one.matches('input, select, textarea');
      if (document.activeElement !== one || !ringed) say(theme, 'does not show its focus', one);
    }
  }
  const lines = texts.map((text) => text.split('\\n'));
  const other = lines[0].find((line, place) => line !== lines[1][place]);
  if (texts[0] !== texts[1]) found.push(`says other things in the other theme: ${other}`);
  had?.focus({preventScroll: true});
  return found.slice(0, 6);
}"""
# What a page offers, whatever its language: headings and fields that are not one row's among many.
OFFERED = """(where) => [...document.querySelector(where).querySelectorAll('h1, h2, [name], form')]
  .filter((one) => one.checkVisibility() && !one.closest('tbody, li, [aria-live]'))
  .map((one) => one.getAttribute('name') ? `field ${one.getAttribute('name')}` : one.localName).sort().join(', ')"""
