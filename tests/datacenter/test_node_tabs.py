"""The tabs of a node's page: what the node tells of its host, and what is said when it cannot be asked."""

from __future__ import annotations

import pytest

from datacenter.api import inside
from datacenter.nodes.tabs import TABS, listed, named
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.name)
async def test_every_tab_has_a_page_and_asks_what_the_api_has(tab, visitor: Visitor) -> None:  # noqa: ANN001
    assert inside.endpoint("GET", f"/nodes/{{node}}/{tab.path}")
    page = text(await visitor.get(f"/nodes/alpha/{tab.name}"))
    assert tab.title in page and f'href="/nodes/alpha/{tab.name}" aria-current="page"' in page


async def test_services_are_listed_and_the_journal_is_text(visitor: Visitor) -> None:
    assert "Corosync Cluster Engine" in text(await visitor.get("/nodes/alpha/services"))
    journal = text(await visitor.get("/nodes/alpha/journal?part=1"))
    assert "&lt;b&gt;first&lt;/b&gt;" in journal and "<html" not in journal


async def test_a_node_that_cannot_be_asked_is_said_so_in_its_place(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    response = await visitor.get("/nodes/gamma/services")
    assert response.status_code == 200 and "note-warning" in text(response)


@pytest.mark.parametrize("path", ["/nodes/alpha/nothing", "/nodes/nobody/services"])
async def test_what_is_not_there_is_not_found(path: str, visitor: Visitor) -> None:
    assert (await visitor.get(path)).status_code == 404


async def test_the_summary_has_a_place_for_every_chart_and_the_newest_sample(visitor: Visitor) -> None:
    page = text(await visitor.get("/nodes/alpha"))
    for name in ("cpu", "load", "memory", "swap", "network", "disk", "pressure"):
        assert f'data-chart="{name}"' in page
    assert "data-sample=" in page and 'data-frame="year"' in page


def test_a_single_answer_is_a_row_and_what_is_missing_is_empty() -> None:
    clock = named("time")
    assert clock is not None
    (row,) = listed(clock, {"time": 7})
    assert [cell.value for cell in row] == [7, None]
