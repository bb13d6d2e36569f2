"""The witness on the Cluster page: how it stands, what the dialogs ask of the daemon, and its place in the drawing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.control.witness_requests import RemoveWitness, SetUpWitness
from cluster.core.health import quorum_standing
from cluster.errors import Conflict
from cluster.model import WitnessSeen, WitnessState
from datacenter.membership import topology
from datacenter.membership.witness_words import standing
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon

SET_UP, REMOVE = "/datacenter/cluster/witness", "/datacenter/cluster/witness/remove"
HERE = WitnessSeen(True, "Connected", True, 1e9, True)
GONE = WitnessSeen(True, "Connecting", False, 1e9)
LINE = "quire-witness:e30"


def witness(*seen: WitnessSeen, **other: Any) -> WitnessState:
    named = tuple(zip(("alpha", "beta"), seen, strict=False))
    told = {"votes": 1, "connected": any(one.connected for one in seen), "since_s": 1e9, "managed": True} | other
    return WitnessState("10.0.0.9", "ffsplit", 1, seen=named, **told)


@pytest.mark.parametrize(
    ("state", "level", "says"),
    [
        (witness(HERE, HERE), "good", "This side has its 1 vote."),
        (witness(HERE, GONE), "warning", "Not connected: beta."),
        (witness(GONE, GONE, votes=0), "bad", "10.0.0.9 does not answer any node. Its vote does not count"),
        (witness(resting=True, votes=0), "plain", "The number of nodes is odd"),
        (WitnessState(advice="Two is an even number."), "plain", "Two is an even number."),
    ],
)
def test_how_it_stands(daemon: FakeDaemon, state: WitnessState, level: str, says: str) -> None:
    daemon.form(2)
    stands = standing(replace(daemon.cluster, witness=state))
    assert stands.level == level and says in stands.sentence


async def test_the_page_shows_it_with_every_node_and_without_one_how_to_get_it(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    daemon.form(2)
    daemon.cluster = replace(daemon.cluster, witness=WitnessState(advice="Two is an even number."))
    page = text(await visitor.get("/"))
    assert "Set Up Witness" in page and "Two is an even number." in page
    daemon.cluster = replace(daemon.cluster, witness=witness(HERE, GONE))
    page = text(await visitor.get("/"))
    assert "Remove Witness" in page and "Partly connected" in page and "1 of 1" in page and "Connecting" in page


async def test_what_is_pasted_is_what_the_daemon_is_asked(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    assert 'name="force"' not in text(await visitor.get(SET_UP))
    assert (await visitor.post(SET_UP, {"invitation": f"  {LINE} "})).status_code == 200
    assert daemon.last(SetUpWitness) == SetUpWitness(LINE, False, "root@pam")
    daemon.form(3)
    assert 'name="force"' in text(await visitor.get(SET_UP))


async def test_a_refusal_stands_at_the_field(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    for line in ("", "x" * 3000):
        answer = await visitor.post(SET_UP, {"invitation": line})
        assert answer.status_code == 422 and 'data-field="invitation"' in text(answer)
    daemon.refusals[SetUpWitness] = Conflict("A witness needs real corosync.")
    answer = await visitor.post(SET_UP, {"invitation": LINE})
    assert answer.status_code == 422 and "needs real corosync" in text(answer)


async def test_removing_it_wants_its_host_typed(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(2)
    daemon.cluster = replace(daemon.cluster, witness=witness(HERE, HERE))
    assert "neither of the two nodes is quorate when the other fails" in text(await visitor.get(REMOVE))
    answer = await visitor.post(REMOVE, {"confirm": "yes"})
    assert answer.status_code == 422 and 'data-field="confirm"' in text(answer)
    assert not any(isinstance(one, RemoveWitness) for one in daemon.asked)
    assert (await visitor.post(REMOVE, {"confirm": "10.0.0.9"})).status_code == 200
    assert daemon.last(RemoveWitness).user == "root@pam"


def test_the_drawing_has_it_apart_with_a_line_to_every_node(daemon: FakeDaemon) -> None:
    daemon.form(2)
    drawing = topology.seen(replace(daemon.cluster, witness=witness(HERE, GONE)))
    assert (drawing.spots[-1].label, drawing.spots[-1].votes, drawing.spots[-1].name) == ("10.0.0.9", 1, "")
    lines = [line for line in drawing.lines if line.link == topology.WITNESS_LINK]
    assert [line.level for line in lines] == ["good", "bad"]
    assert lines[1].name == "Witness" and "beta is not connected to the witness." in [one.sentence for one in lines]
    resting = topology.seen(replace(daemon.cluster, witness=witness(resting=True, votes=0)))
    assert resting.spots[-1].word == "witness, resting"
    assert not [line for line in resting.lines if line.link == topology.WITNESS_LINK]


def test_the_banner_names_it(daemon: FakeDaemon) -> None:
    daemon.form(2)
    assert (
        "One of them is the witness’s, 10.0.0.9."
        in quorum_standing(replace(daemon.cluster, witness=witness(HERE))).sentence
    )
    gone = quorum_standing(replace(daemon.cluster, witness=witness(GONE, votes=0)))
    assert (
        gone.level == "warning" and gone.word == "The witness is gone" and "10.0.0.9 does not answer" in gone.sentence
    )
