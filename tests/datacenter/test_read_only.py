"""A node that cannot write says so on every page: the votes, who is missing, what works, and the next safe step."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from cluster.model import Change, ClusterState, NodeState, Quorum, Revision, StoreState
from datacenter.live.picture import after, picture_of
from datacenter.live.render import difference
from datacenter.membership.read_only import read_only
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon

PAGES = ["/", "/datacenter/cluster", "/datacenter/summary", "/nodes/alpha"]


def without_quorum(daemon: FakeDaemon) -> None:
    daemon.form(3)
    for name in ("beta", "gamma"):
        daemon.set_online(name, False)


def bar(page: str) -> str:
    """The bar's text; empty while it is hidden."""
    found = re.search(r'<section class="bar read-only[^>]*id="read-only"([^>]*)>(.*?)</section>', page, re.DOTALL)
    assert found, "the page has no place for the bar"
    words = " ".join(re.sub(r"<[^>]*>", " ", found[2]).split())
    assert ("hidden" in found[1].split()) == (not words)
    return html.unescape(words)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_says_why_and_what_to_do(visitor: Visitor, daemon: FakeDaemon, path: str) -> None:
    without_quorum(daemon)
    words = bar(text(await visitor.get(path)))
    assert "1 of 3 votes are present, 2 are needed." in words
    assert re.search(r"Missing: beta for \d+ s , gamma for \d+ s \.", words)
    assert "Everything can be looked at" in words
    assert "Start beta and gamma, or mend the links to them: with 1 more vote writing goes on by itself." in words
    assert "only safe when it is certain that the missing nodes are switched off" in words


@pytest.mark.parametrize("path", PAGES)
async def test_a_node_that_can_write_says_nothing(visitor: Visitor, daemon: FakeDaemon, path: str) -> None:
    assert bar(text(await visitor.get(path))) == ""
    daemon.form(3)
    assert bar(text(await visitor.get(path))) == ""


async def test_open_pages_are_told_when_it_begins_and_when_it_ends(daemon: FakeDaemon) -> None:
    heard: list[Change] = []
    daemon.form(3)
    picture = picture_of(daemon.status())
    daemon.listener = heard.append
    for name in ("beta", "gamma"):
        daemon.set_online(name, False)
    daemon.set_online("beta", True)
    told = []
    for change in heard:
        before, picture = picture, after(picture, change)
        messages = difference(before, picture, [change]).messages
        told += [bar(message) for message in messages if 'id="read-only"' in message]
    assert any("1 of 3 votes" in words for words in told) and told[-1] == ""


def test_the_reason_is_told_where_votes_are_not_what_lacks() -> None:
    store = StoreState(False, "The disk failed: no space left.", Revision(1, 1), "")
    alone = read_only(ClusterState("alpha", store=store))
    assert alone is not None and alone.arithmetic == "The disk failed: no space left." and "log" in alone.step
    quorate = ClusterState("alpha", "office", 1, quorum=Quorum(True, 3, 3, 2), store=store)
    behind = read_only(quorate)
    assert behind is not None and behind.level == "warning" and "catches up" in behind.step
    deaf = read_only(replace(quorate, quorum=None, problem="corosync is not running."))
    assert deaf is not None and deaf.arithmetic == "corosync is not running."
    assert read_only(replace(quorate, store=replace(store, writable=True))) is None
    assert read_only(replace(quorate, store=None)) is None


async def test_a_node_that_does_not_keep_up_is_named_on_the_cluster_page(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get("/datacenter/cluster"))
    assert "not confirmed" not in page
    store = StoreState(True, "", Revision(1, 1), "", lagging=("gamma",))
    daemon.cluster = replace(daemon.cluster, store=store)
    page = text(await visitor.get("/datacenter/cluster"))
    assert "gamma has not confirmed for more than 10 s what the others have written." in page


def test_a_qdevices_vote_is_told_to_be_no_copy_of_the_store() -> None:
    store = StoreState(False, "1 of the 2 votes needed to write are present.", Revision(1, 1), "")
    nodes = (
        NodeState("alpha", 1, 1, local=True, online=True),
        NodeState("beta", 2, 1, online=False),
    )
    witnessed = ClusterState("alpha", "office", 1, nodes, Quorum(True, 3, 2, 2, flags=("Qdevice",)), store=store)
    told = read_only(witnessed)
    assert told is not None and told.headline == "The QDevice's vote does not let this node write: it is read-only."
    assert "1 of the 2 votes needed" in told.arithmetic and "has no copy of the configuration" in told.arithmetic
    assert "Start beta, or mend the links to them" in told.step


def test_votes_lowered_by_hand_are_told_apart_from_catching_up() -> None:
    """corosync is quorate after `pvecm expected 1`; the store counts the committed nodelist and is not writable."""
    store = StoreState(False, "1 of the 2 votes needed to write are present.", Revision(1, 1), "")
    here = NodeState("alpha", 1, 1, local=True, online=True)
    gone = [NodeState(name, number, 1, online=False) for number, name in ((2, "beta"), (3, "gamma"))]
    forced = ClusterState("alpha", "office", 1, (here, *gone), Quorum(True, 1, 1, 1), store=store)
    told = read_only(forced)
    assert told is not None and told.level == "bad"
    assert told.headline == "Lowered votes do not let this node write: it is read-only."
    assert "the configuration counts 3" in told.arithmetic and "Start beta and gamma" in told.step
    assert [node.name for node in told.missing] == ["beta", "gamma"]
