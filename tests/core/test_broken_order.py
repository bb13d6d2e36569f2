"""When a ring breaks up, a node may be given what its own side sent without what it missed before it (corosync's
transitional delivery). What was acknowledged outlives that, and nobody takes such entries for the cluster's history."""

from __future__ import annotations

from cluster.core.effects import Alarm, Done
from cluster.core.events import Delivered, ViewLost
from cluster.core.messages import Ack
from cluster.core.operations import Write
from tests.core.table import ALPHA, BETA, DELTA, EPSILON, GAMMA, Table


def table_of(*node_ids: int) -> Table:
    table = Table(*node_ids)
    table.form()
    return table


def deliver(table: Table, sender: int, *receivers: int) -> None:
    """The oldest message of one node, to some of its group only."""
    payload = table[sender].outbox.popleft()
    for node_id in receivers:
        table[node_id].step(Delivered(sender, payload))


def commit_without(table: Table, missing: int, *others: int) -> str:
    """Gamma's change is acknowledged by the others; `missing` gets none of it."""
    request = table.propose(GAMMA, Write("user.cfg", b"acknowledged"))
    deliver(table, GAMMA, *others)
    for node_id in others:
        table.flush(node_id)
        deliver(table, node_id, *others)
    assert isinstance(table[GAMMA].answers[request], Done)
    return request


def own_changes_in_the_wrong_place(table: Table, node_id: int) -> None:
    """What a node sent after something it never received is given to it all the same, and is on its disk."""
    table.propose(node_id, Write("datacenter.cfg", b"mine"))
    table.propose(node_id, Write("storage.cfg", b"mine"))
    deliver(table, node_id, node_id)
    deliver(table, node_id, node_id)
    table.flush(node_id)


def test_what_was_acknowledged_outlives_a_node_that_missed_it_and_went_on() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    commit_without(table, ALPHA, BETA, GAMMA)
    own_changes_in_the_wrong_place(table, ALPHA)  # alpha's log is longer now than beta's, and of the same epoch
    table[ALPHA].outbox.clear()
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    for node_id in (ALPHA, BETA):
        assert table[node_id].read("user.cfg") == b"acknowledged"
    # Alpha's own changes were not lost either: it asks for them again.
    assert table[BETA].read("datacenter.cfg") == table[BETA].read("storage.cfg") == b"mine"
    table.form()
    assert table[GAMMA].read("datacenter.cfg") == b"mine"


def test_what_stands_in_a_wrong_place_is_not_claimed_in_a_later_view_either() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    commit_without(table, ALPHA, BETA, GAMMA)
    own_changes_in_the_wrong_place(table, ALPHA)
    table[ALPHA].outbox.clear()
    table.seat((ALPHA,), (BETA,), (GAMMA,))
    table.settle()  # alone, nobody goes on
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    assert table[ALPHA].read("user.cfg") == b"acknowledged"


def test_what_may_have_been_counted_is_claimed() -> None:
    """Beta's engine dies before beta hears its own Ack, which gamma has counted: beta holds on to the change."""
    table = table_of(ALPHA, BETA, GAMMA)
    request = table.propose(GAMMA, Write("user.cfg", b"acknowledged"))
    deliver(table, GAMMA, BETA, GAMMA)
    table.flush(BETA)
    deliver(table, BETA, GAMMA)
    table.flush(GAMMA)
    deliver(table, GAMMA, GAMMA)
    assert isinstance(table[GAMMA].answers[request], Done)
    table[BETA].step(ViewLost("corosync has stopped."))
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    assert table[ALPHA].read("user.cfg") == table[BETA].read("user.cfg") == b"acknowledged"


def test_a_node_that_crashed_claims_all_it_holds() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    request = table.propose(GAMMA, Write("user.cfg", b"acknowledged"))
    deliver(table, GAMMA, BETA, GAMMA)
    table.flush(BETA)
    deliver(table, BETA, GAMMA)
    table.flush(GAMMA)
    deliver(table, GAMMA, GAMMA)
    assert isinstance(table[GAMMA].answers[request], Done)
    table[BETA].sit_down()
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    assert table[ALPHA].read("user.cfg") == b"acknowledged"


def test_acks_of_other_entries_commit_nothing_here() -> None:
    """Of five, alpha misses gamma's change and is still given the others' Acks of it, after its own change."""
    others = (BETA, GAMMA, DELTA, EPSILON)
    table = table_of(ALPHA, *others)
    table.propose(GAMMA, Write("user.cfg", b"acknowledged"))
    deliver(table, GAMMA, *others)
    own_changes_in_the_wrong_place(table, ALPHA)
    table[ALPHA].effects.clear()
    for node_id in (BETA, DELTA, EPSILON):
        table.flush(node_id)
        deliver(table, node_id, ALPHA, *others)
    assert table[ALPHA].read("datacenter.cfg") is None and table[BETA].read("user.cfg") == b"acknowledged"
    alarms = [effect.message for effect in table[ALPHA].effects if isinstance(effect, Alarm)]
    assert alarms[0] == f"Node {BETA} holds something else than this node at index 2."
    table[ALPHA].outbox.clear()
    table.seat((ALPHA, *others))
    table.settle()
    assert {table[node_id].read("user.cfg") for node_id in (ALPHA, *others)} == {b"acknowledged"}


def test_an_ack_names_the_entry_it_speaks_of() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.propose(ALPHA, Write("user.cfg", b"new"))
    table.deliver_one(ALPHA)
    table.flush(BETA)
    said = table[BETA].said()[0]
    last = table[BETA].replica.machine.log.last
    assert isinstance(said, Ack) and (said.index, said.hash) == (last.index, last.hash[:8])
