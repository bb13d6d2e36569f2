"""Datacenter → Summary: what it draws and says, whole and in fragments."""

from __future__ import annotations

from dataclasses import replace

from cluster.model import AlertState, ClusterState, NodeState, Quorum, Trends
from datacenter.summary import curves
from datacenter.summary.votes import half_ring
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon


def cluster(count: int, present: int, *, flags: tuple[str, ...] = (), total: int | None = None) -> ClusterState:
    nodes = tuple(NodeState(f"n{number}", number, 1, online=number <= present) for number in range(1, count + 1))
    whole = count + ("Qdevice" in flags)
    quorum = Quorum(True, whole, present if total is None else total, whole // 2 + 1, whole, flags)
    return ClusterState("n1", "office", 1, nodes, quorum)


# --- the drawings -----------------------------------------------------------------------------------------------------


def test_every_vote_is_an_arc_and_those_present_come_first() -> None:
    ring = half_ring(cluster(5, 3))
    assert ring is not None and [arc.kind for arc in ring.arcs] == ["present"] * 3 + ["absent"] * 2
    assert ring.sentence == "3 of 5 expected votes are present, 3 are needed."
    assert ring.arcs[-1].sentence == "n5: 1 vote, absent."


def test_the_witness_has_a_place_of_its_own_whether_it_votes_or_not() -> None:
    for total, kind in ((3, "present"), (2, "absent")):
        ring = half_ring(cluster(2, 2, flags=("Quorate", "Qdevice"), total=total))
        assert ring is not None
        assert [(arc.kind, arc.sentence) for arc in ring.arcs if arc.witness] == [(kind, f"Witness: 1 vote, {kind}.")]


def test_nothing_is_drawn_while_the_votes_are_unknown() -> None:
    assert half_ring(ClusterState("n1")) is None


def test_a_curve_steps_by_minutes_and_leaves_gaps() -> None:
    assert curves.path((0, 50, None, 20)) == "M0 100h0l1-50M3 80h0"
    assert curves.path(()) == ""
    assert curves.said((10, None, 30)) == "last hour: 10 to 30 %, mean 20 %"
    assert curves.said((None,)) == "nothing heard in the last hour"


# --- the page ---------------------------------------------------------------------------------------------------------


async def test_the_summary_says_health_votes_alerts_and_advice(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    full = AlertState("disk/beta", "disk", "beta", "The disk of beta is full to 97 %.", 900.0)
    trends = Trends((1, 2, 3), (4, 5, 6))
    nodes = tuple(replace(node, trends=trends) for node in daemon.cluster.nodes)
    daemon.cluster = replace(daemon.cluster, alerts=(full,), nodes=nodes)
    page = text(await visitor.get("/datacenter/summary"))
    assert "The disk of beta is full to 97 %" in page and "not told yet" in page
    assert "Two nodes." in page and "Add a third node" in page
    assert 'd="M0 99h0l1-1l1-1"' in page and "2 of 2 expected votes are present, 2 are needed." in page


async def test_a_node_on_its_own_has_a_summary_too(visitor: Visitor) -> None:
    page = text(await visitor.get("/datacenter/summary"))
    assert "Standalone node" in page and "No alert is active." in page


async def test_the_newest_events_are_asked_for_once_the_page_stands(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    assert 'hx-trigger="load"' in text(await visitor.get("/datacenter/summary"))
    found = text(await visitor.get("/datacenter/summary/events"))
    assert 'id="summary-events"' in found and 'hx-trigger="load"' not in found


async def test_that_somebody_signed_in_is_no_news_on_the_summary(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    daemon.record("alpha", "changed", kind="config", about="user.cfg", sentence="user.cfg was written.")
    daemon.record(
        "alpha", "changed", kind="config", about="priv/sessions.cfg", sentence="priv/sessions.cfg was written."
    )
    found = text(await visitor.get("/datacenter/summary/events"))
    assert "user.cfg was written." in found and "sessions" not in found
