"""What a node says while it waits for quorum."""

import pytest

from cluster.engine.base import EngineStatus, LinkStatus
from cluster.model import Link, Node, Quorum
from cluster.workflow.waiting import why_not_quorate
from tests.cast import NODES

TWO_LINKS = tuple(Node(n.name, n.node_id, 1, (*n.links, Link(1, f"10.1.0.{n.node_id}"))) for n in NODES)


def reason(status, nodes=NODES):
    return why_not_quorate(status, nodes, "alpha")


def quorum(total, needed=2):
    return Quorum(total >= needed, 3, total, needed)


def test_quorum_that_is_there_needs_no_reason():
    assert reason(EngineStatus(True, 1, nodes=(1, 2), quorum=quorum(2))) == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (EngineStatus(False), "the engine does not run"),
        (EngineStatus(True), "the engine has not agreed on a membership yet"),
        (EngineStatus(True, 1, nodes=(1,), quorum=quorum(1)), "1 of 2 needed votes present; not here: beta, gamma"),
        (EngineStatus(True, 1, nodes=(1, 2, 3), quorum=quorum(1)), "1 of 2 needed votes present"),
        (EngineStatus(True, 1, links=(LinkStatus(2, 0, False),)), "no answer from 10.0.0.2 on link 0 yet"),
        (
            EngineStatus(True, 1, links=(LinkStatus(1, 0, False), LinkStatus(2, 0, True), LinkStatus(3, 0, False))),
            "no answer from 10.0.0.3 on link 0 yet",
        ),
    ],
)
def test_the_reason_names_what_is_missing(status, words):
    assert reason(status) == words


def test_many_silent_links_are_counted_not_listed():
    links = tuple(LinkStatus(peer, link, False) for peer in (2, 3) for link in (0, 1))
    assert reason(EngineStatus(True, 1, links=links), TWO_LINKS).endswith("on link 0 yet; and 1 more")
