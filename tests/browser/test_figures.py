"""Figures that are pushed, in a real Chromium: in their place each time, and left alone when they say the same."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from cluster.control.requests import as_plain
from cluster.model import Sample
from tests.browser.conftest import Visitor
from tests.browser.site import Site, sign_in
from tests.datacenter.fake_daemon import figures, node_state

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BETA = 2


def beta(turn: int) -> Any:
    now_s = time.time()
    return as_plain(replace(node_state("beta", BETA, now_s, 2), sample=Sample(now_s, figures(BETA, turn))))


def test_each_push_puts_what_is_new_in_its_place_and_leaves_the_rest(site: Site, visitor: Visitor) -> None:
    site.do("form", count=3)
    page = sign_in(visitor(f"{site.url}/datacenter/cluster"))
    site.do("publish", topic="node", value=beta(1))
    expect(page.locator("#node-cpu-beta")).to_have_text(f"{figures(BETA, 1)['cpu'] * 100:.1f} %")
    page.evaluate("() => { document.getElementById('node-memory-beta').kept = true; }")
    where = "() => document.getElementById('node-uptime-beta').getBoundingClientRect().left"
    began_at = page.evaluate(where)
    for turn in (2, 3, 4):
        site.do("publish", topic="node", value=beta(turn))
        expect(page.locator("#node-cpu-beta")).to_have_text(f"{figures(BETA, turn)['cpu'] * 100:.1f} %")
        assert abs(page.evaluate(where) - began_at) < 1  # a shorter figure moves nothing
    assert page.evaluate("() => document.getElementById('node-memory-beta').kept")
    page.evaluate("() => { document.getElementById('cluster-information').kept = true; }")
    site.do("set_online", name="beta", online=False)
    expect(page.locator("#node-state-beta")).to_have_attribute("data-state", "offline")
    assert page.evaluate("() => document.getElementById('cluster-information').kept")  # and with it its buttons
    expect(page.locator("#live-mark")).to_have_count(1)
    assert page.locator("html").get_attribute("data-missed") is None


def test_the_tasks_at_the_foot_have_their_place_before_they_arrive(site: Site, visitor: Visitor) -> None:
    """When they do, nothing that was shown is covered; without any the page has their place."""
    page = sign_in(visitor(site.url))
    for drawer in ("open", "closed"):
        page.evaluate("(drawer) => { document.documentElement.dataset.drawer = drawer; }", drawer)
        with_it, before = page.evaluate("""() => {
          const high = () => document.getElementById('content').getBoundingClientRect().height;
          const drawer = document.querySelector('.drawer'), after = drawer.nextSibling, heights = [high()];
          drawer.remove();
          heights.push(high());
          after.before(drawer);
          return heights;
        }""")
        assert with_it >= before - 2, drawer
        assert drawer == "closed" or with_it > before + 20  # there are no tasks
