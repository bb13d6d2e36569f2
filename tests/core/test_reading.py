"""A reader who asks for the newest state is let on only when this node has everything that was acknowledged before."""

from __future__ import annotations

from cluster.core.effects import Alarm, Done, Persist, ReadReady, ReadRefused
from cluster.core.events import Delivered, PersistFailed, ReadAsked, ReadGivenUp, ViewChanged, ViewLost
from cluster.core.messages import Ack, Barrier, Confirm
from cluster.core.operations import Write
from cluster.core.reads import WAITING_MAX
from cluster.core.replica import Phase
from cluster.model import RingId
from tests.core.table import ALPHA, BETA, DELTA, EPSILON, GAMMA, Table


def table_of(*node_ids: int) -> Table:
    table = Table(*node_ids)
    table.form()
    return table


def is_ready(table: Table, node_id: int, reader: str) -> bool:
    return isinstance(table[node_id].readers.get(reader), ReadReady)


def test_a_node_alone_lets_its_readers_on_at_once() -> None:
    table = table_of(ALPHA)
    reader = table.ask_to_read(ALPHA)
    assert is_ready(table, ALPHA, reader) and not table[ALPHA].outbox


def test_a_reader_waits_for_a_majority_and_no_longer() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    reader = table.ask_to_read(ALPHA)
    assert [type(message) for message in table[ALPHA].said()] == [Barrier]
    table.deliver_one(ALPHA)
    assert not is_ready(table, ALPHA, reader) and not table[ALPHA].outbox
    assert [type(message) for message in table[BETA].said()] == [Confirm]
    table.deliver_one(BETA)
    assert is_ready(table, ALPHA, reader)
    table.settle()


def test_reading_the_newest_leaves_the_disks_alone() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    for seat in table.seats.values():
        seat.effects.clear()
    reader = table.ask_to_read(GAMMA)
    table.settle()
    assert is_ready(table, GAMMA, reader)
    assert not any(seat.all_of(Persist) for seat in table.seats.values())


def test_a_node_that_was_left_behind_without_noticing_lets_nobody_read() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    alpha = table[ALPHA]
    table.groups = [(ALPHA,)]  # alpha still believes in its view of three, and speaks to nobody
    table.sequence += 4
    members = tuple(table[node_id].member for node_id in (BETA, GAMMA))

    for node_id in (BETA, GAMMA):
        table[node_id].step(ViewChanged(RingId(table.sequence, BETA), members))
    table.groups = [(ALPHA,), (BETA, GAMMA)]
    assert isinstance(table.write(BETA, "user.cfg", b"new"), Done)

    reader = table.ask_to_read(ALPHA)
    table.settle()
    assert alpha.phase is Phase.ACTIVE and alpha.read("user.cfg") is None
    assert reader not in alpha.readers
    alpha.step(ViewLost("The engine is gone."))
    assert isinstance(alpha.readers[reader], ReadRefused)


def test_a_reader_waits_until_this_node_has_committed_what_a_member_says_it_holds() -> None:
    """The acknowledgements that committed a change elsewhere may be under way to this node still."""
    table = table_of(ALPHA, BETA, GAMMA)
    table[ALPHA].disk_works = False  # so alpha's own Ack cannot help
    request = table.propose(BETA, Write("user.cfg", b"new"))
    table.deliver_one(BETA)
    table.flush(BETA)
    table.flush(GAMMA)
    acks = [table[BETA].outbox.popleft(), table[GAMMA].outbox.popleft()]
    for ack, sender in zip(acks, (BETA, GAMMA), strict=True):
        table[BETA].step(Delivered(sender, ack))
        if sender == BETA:
            table[ALPHA].step(Delivered(sender, ack))
    assert isinstance(table[BETA].answers[request], Done)

    reader = table.ask_to_read(ALPHA)
    table.settle()
    assert not is_ready(table, ALPHA, reader) and table[ALPHA].read("user.cfg") is None
    table[ALPHA].step(Delivered(GAMMA, acks[1]))
    assert is_ready(table, ALPHA, reader) and table[ALPHA].read("user.cfg") == b"new"


def test_readers_who_come_during_a_round_wait_for_the_next_one_together() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    first = table.ask_to_read(ALPHA)
    later = [table.ask_to_read(ALPHA) for _ in range(50)]
    assert len(table[ALPHA].outbox) == 1
    table.deliver_one(ALPHA)
    table.deliver_one(BETA)
    assert is_ready(table, ALPHA, first) and not any(is_ready(table, ALPHA, reader) for reader in later)
    assert [type(message) for message in table[ALPHA].said()] == [Barrier]
    table.settle()
    assert all(is_ready(table, ALPHA, reader) for reader in later)


def test_an_answer_to_another_question_or_another_node_counts_for_nothing() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    first, second = table.ask_to_read(ALPHA), table.ask_to_read(BETA)
    session, epoch = table[ALPHA].replica.work.session, table[ALPHA].replica.work.epoch
    table[ALPHA].outbox.clear()
    table[BETA].outbox.clear()
    for forged in (
        Confirm(session, epoch, BETA, 7, 0),
        Confirm(session, epoch, ALPHA, 7, 0),
        Confirm(session, epoch - 1, ALPHA, 1, 0),
        Confirm(b"another", epoch, ALPHA, 1, 0),
    ):
        table.say(GAMMA, forged)
    table.settle()
    assert not is_ready(table, ALPHA, first) and not is_ready(table, BETA, second)
    table.say(GAMMA, Confirm(session, epoch, ALPHA, 1, 0))
    table.settle()
    assert is_ready(table, ALPHA, first) and not is_ready(table, BETA, second)


def test_readers_outlive_a_change_of_view_that_keeps_a_majority() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    reader = table.ask_to_read(ALPHA)
    table[ALPHA].outbox.clear()  # the question is lost with the view
    late = table.ask_to_read(ALPHA)
    table.seat((ALPHA, BETA), (GAMMA,))
    while_agreeing = table.ask_to_read(ALPHA)
    assert not table[ALPHA].readers
    table.settle()
    assert all(is_ready(table, ALPHA, each) for each in (reader, late, while_agreeing))


def test_without_a_majority_readers_are_refused_with_the_reason() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    waiting = table.ask_to_read(GAMMA)
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    asked_later = table.ask_to_read(GAMMA)
    for reader in (waiting, asked_later):
        refused = table[GAMMA].readers[reader]
        assert isinstance(refused, ReadRefused) and refused.code == "no-quorum"
        assert "1 of the 2 votes" in refused.message


def test_a_failed_disk_refuses_readers_too() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[ALPHA].step(PersistFailed("The disk is full."))
    reader = table.ask_to_read(ALPHA)
    assert isinstance(table[ALPHA].readers[reader], ReadRefused)


def test_only_voters_count() -> None:
    """Of four voters left, three are a majority; the fifth answers as well and has no vote any more."""
    table = table_of(ALPHA, BETA, GAMMA, DELTA, EPSILON)
    table.propose(ALPHA, Write("corosync.conf", b"1 2 3 4"))
    table.settle()
    assert len(table[ALPHA].replica.machine.electorate) == 4
    reader = table.ask_to_read(BETA)
    table.deliver_one(BETA)
    table.deliver_one(EPSILON)
    table.deliver_one(ALPHA)
    assert not is_ready(table, BETA, reader)
    table.deliver_one(GAMMA)
    assert is_ready(table, BETA, reader)


def test_what_a_member_holds_and_nobody_committed_is_waited_for() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[BETA].disk_works = table[GAMMA].disk_works = False
    table.propose(ALPHA, Write("user.cfg", b"not acknowledged"))
    table.settle()
    reader = table.ask_to_read(ALPHA)
    table.settle()
    # Alpha has said that it holds the change, and cannot know whether somebody else has seen it committed.
    assert not is_ready(table, ALPHA, reader)
    table[BETA].disk_works = True
    table.settle()
    assert is_ready(table, ALPHA, reader)


def test_too_many_readers_are_sent_away() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    readers = [table.ask_to_read(ALPHA) for _ in range(WAITING_MAX + 2)]
    refused = table[ALPHA].readers[readers[-1]]
    assert isinstance(refused, ReadRefused) and refused.code == "busy"
    table[ALPHA].step(ReadGivenUp(readers[5]))
    table[ALPHA].step(ReadAsked("another"))
    assert "another" not in table[ALPHA].readers
    table.settle()
    assert is_ready(table, ALPHA, "another") and is_ready(table, ALPHA, readers[4])
    assert readers[5] not in table[ALPHA].readers


def test_a_node_that_is_not_up_to_date_yet_confirms_nothing() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    session, epoch = table[ALPHA].replica.work.session, table[ALPHA].replica.work.epoch
    table[GAMMA].replica.phase = Phase.FETCHING
    table.say(ALPHA, Barrier(session, epoch, 1))
    table.deliver_one(ALPHA)
    assert not table[GAMMA].outbox and [type(message) for message in table[BETA].said()] == [Confirm]


def test_strangers_questions_are_not_heard() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    epoch = table[ALPHA].replica.work.epoch
    table.say(GAMMA, Barrier(b"another view", epoch, 1))
    table.say(GAMMA, Barrier(table[ALPHA].replica.work.session, epoch - 1, 1))
    table.settle()
    assert not any(isinstance(effect, Alarm) for effect in table[ALPHA].effects)
    assert not any(isinstance(message, Confirm | Ack) for message in table[ALPHA].said())
