"""The pages of a cluster of sixteen in a real Chromium: the map of latencies is clicked, and the summary is live."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from demo.bench.ui import SHIFT
from demo.visitor import eventually
from tests.browser.conftest import Visitor
from tests.browser.services import Services
from tests.browser.site import go, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]
SOON_S = 60.0
STILL = 0.005  # a layout shift that nobody sees
NODES, SIDE = 16, 10  # a square of the map is so many of its units wide, with the gap behind it


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    here = Services(tmp_path_factory.mktemp("large"), NODES)
    here.start("whole")
    yield here
    here.stop("whole")


@pytest.fixture
def page(node: Services, visitor: Visitor) -> Page:
    return sign_in(visitor(node.url))


@pytest.mark.parametrize("width", [1440, 360])
def test_a_click_on_a_square_of_the_map_shows_the_past_of_that_pair(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    squares = page.locator("[data-heat-map='1']")
    expect(squares.locator("path").first).to_be_attached()
    names = (squares.get_attribute("data-heat-names") or "").split()
    assert len(names) == NODES
    for line, place in ((0, NODES - 1), (NODES - 1, 0), (7, 8)):
        click_square(page, line, place)
        history = page.locator("#link-history")
        expect(history).to_be_visible()
        chosen = [history.locator(f"#latency-{name}").input_value() for name in ("node", "peer", "link")]
        assert chosen == [names[line], names[place], "1"]
        page.keyboard.press("Escape")
        expect(history).to_have_count(0)


def test_a_click_on_the_line_of_a_node_with_itself_shows_nothing(page: Page) -> None:
    click_square(page, 5, 5)
    click_square(page, 5, 6)  # the next one does, so the first has been answered by then
    names = (page.locator("[data-heat-map='1']").get_attribute("data-heat-names") or "").split()
    expect(page.locator("#link-history #latency-node")).to_have_value(names[5])
    expect(page.locator("#link-history #latency-peer")).to_have_value(names[6])


def test_the_pointer_over_a_square_says_whose_it_is(page: Page) -> None:
    squares = page.locator("[data-heat-map='0']")
    names = (squares.get_attribute("data-heat-names") or "").split()

    def says() -> bool:  # a map that is put anew says nothing until the pointer moves
        page.mouse.move(0, 0)
        page.mouse.move(*middle_of(page, "0", 2, 9))
        return squares.locator("title").all_text_contents() == [f"{names[2]} → {names[9]}"]

    eventually("the square says whose it is", says, SOON_S)


# Whether the note is gone when the first chart comes.
NOTE = """() => new MutationObserver(() => {
  const drawn = document.querySelector('[data-chart] .uplot'), note = document.querySelector('[data-charts-note]');
  if (drawn && note && window.noteHidden === undefined) window.noteHidden = note.hidden;
}).observe(document, {childList: true, subtree: true})"""


def test_nothing_stands_over_charts_that_are_being_drawn_and_they_move_nothing(page: Page, node: Services) -> None:
    page.set_viewport_size({"width": 360, "height": 3200})  # all of them are in it: a shift out of sight counts nothing
    page.add_init_script(f"({NOTE})(); ({SHIFT})()")
    page.goto(f"{node.url}/nodes/alpha")
    page.wait_for_function("() => document.querySelectorAll('[data-chart] .u-legend').length === 7")
    assert page.evaluate("() => window.noteHidden")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("() => window.shifted") < STILL


def click_square(page: Page, line: int, place: int) -> None:
    page.mouse.click(*middle_of(page, "1", line, place))


def middle_of(page: Page, link: str, line: int, place: int) -> tuple[float, float]:
    """Where the drawing says that this square is, in the window's pixels, once it is scrolled to. What is beyond the
    edge is laid out only when it comes near, which moves what is below it: so until it stays where it is."""
    x, y = page.locator(f"[data-heat-map='{link}']").evaluate(
        """async (map, [x, y]) => {
          const at = () => new DOMPoint(x, y).matrixTransform(map.getScreenCTM());
          const room = document.getElementById('content');
          const middle = () => room.getBoundingClientRect().top + room.clientHeight / 2;
          const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          for (let still = 0, tries = 0; still < 3 && tries < 120; tries++) {
            const before = at().y;
            room.scrollBy({top: before - middle(), behavior: 'instant'});
            await painted();
            const moved = Math.abs(at().y - before) > 1;
            still = moved ? 0 : still + 1;
          }
          return [at().x, at().y];
        }""",
        [place * SIDE + 4.5, line * SIDE + 4.5],
    )
    return x, y


# --- Datacenter → Summary ---------------------------------------------------------------------------------------------


def test_the_summary_shows_every_node_and_stays_live(page: Page, node: Services) -> None:
    page.get_by_role("navigation", name="Datacenter", exact=True).get_by_role("link", name="Summary").click()
    expect(page.locator("#summary-nodes .tile")).to_have_count(NODES)
    expect(page.locator("#cluster-health strong")).not_to_be_empty()
    expect(page.locator("#summary-events li").first).to_be_visible()
    page.evaluate("() => { window.sameDocument = true; }")
    figures = page.locator("#summary-nodes .tile").nth(3)
    before = figures.inner_text()
    page.wait_for_function(
        "([text]) => document.querySelectorAll('#summary-nodes .tile')[3].innerText !== text", arg=[before]
    )
    assert page.evaluate("() => window.sameDocument")


def test_what_the_summary_names_leads_there(page: Page, node: Services) -> None:
    for panel, title in (
        ("#summary-alerts", "Alerts|Current"),
        ("#summary-events", "Events"),
        ("#summary-votes", "What if"),
    ):
        go(page, f"{node.url}/datacenter/summary")
        page.locator(f"{panel} .panel-head a").click()
        expect(page).to_have_title(re.compile(title))
    go(page, f"{node.url}/datacenter/summary")
    page.locator("#summary-nodes .tile-name", has_text=re.compile("^beta$")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("beta")
