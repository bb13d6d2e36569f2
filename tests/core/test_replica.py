"""A replica decides alike on every node, answers only what is kept, and survives what a cluster survives."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from cluster.core.effects import (
    AppendRecord,
    Done,
    Effect,
    Expose,
    InstallRecord,
    Keep,
    Multicast,
    NotDone,
    Persist,
    PromiseRecord,
    Refused,
    Reply,
    Resign,
    SetTimer,
    Unknown,
)
from cluster.core.events import (
    Expired,
    FetchFailed,
    HistoryFetched,
    PersistFailed,
    Proposed,
    TimerFired,
    ViewChanged,
    ViewLost,
)
from cluster.core.log import chained
from cluster.core.machine import CONFIGURATION
from cluster.core.messages import Ack, Append, InForce, Part, Point, Promise, State, decode, encode, split
from cluster.core.operations import EpochStart, Touch, Write, encode_body
from cluster.core.replica import Phase
from cluster.core.snapshot import Snapshot
from cluster.model import Member, Revision, RingId
from cluster.store.memory import MemoryDisk
from tests.core.table import ALPHA, BETA, DELTA, EPSILON, GAMMA, LINEAGE, Table, body_of_request, resigned


def kinds(effects: list[Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def table_of(*node_ids: int) -> Table:
    table = Table(*node_ids)
    table.form()
    return table


# --- one node ---------------------------------------------------------------------------------------------------------


def test_a_node_alone_becomes_writable_in_these_steps() -> None:
    table = Table(ALPHA)
    alpha = table[ALPHA]
    view = alpha.step(ViewChanged(RingId(4, ALPHA), (alpha.member,)))
    assert kinds(view) == [SetTimer, Multicast]
    table.groups = [(ALPHA,)]
    state = alpha.said()[0]
    assert isinstance(state, State) and (state.uuid, state.blank, state.promised) == (LINEAGE, False, 0)

    alpha.effects.clear()
    table.deliver_one(ALPHA)
    assert alpha.effects == [Persist(1, PromiseRecord(4 << 20))] and alpha.phase is Phase.PROMISING
    alpha.effects.clear()
    table.flush(ALPHA)
    assert [decode(effect.payload) for effect in alpha.effects if isinstance(effect, Multicast)] == [
        Promise(alpha.replica.work.session, 4 << 20)
    ]
    alpha.effects.clear()
    table.deliver_one(ALPHA)
    start = chained(state.last, 4 << 20, encode_body(EpochStart(4 << 20)))
    assert alpha.effects == [Persist(2, InstallRecord(4 << 20, 0, None, (start,), ()))]
    alpha.effects.clear()
    table.flush(ALPHA)
    ack = Ack(alpha.replica.work.session, 4 << 20, 1, start.point.hash[:8])
    assert alpha.said() == [ack] and alpha.replica.writable
    assert kinds(alpha.effects) == [Multicast, Keep]


def test_a_write_is_ordered_then_kept_then_answered_then_shown() -> None:
    table = table_of(ALPHA)
    alpha = table[ALPHA]
    alpha.effects.clear()
    table.propose(ALPHA, Write("motd", b"hello"), request_id="alice-1")
    assert kinds(alpha.effects) == [Multicast]
    table.deliver_one(ALPHA)
    assert kinds(alpha.effects) == [Multicast, Persist] and alpha.read("motd") is None
    table.flush(ALPHA)
    assert kinds(alpha.effects) == [Multicast, Persist, Multicast, Reply, Keep, Expose]
    assert alpha.answers == {"alice-1": Done(Revision(4 << 20, 2))} and alpha.read("motd") == b"hello"


def test_a_refused_change_is_answered_with_its_errno_and_changes_nothing() -> None:
    table = table_of(ALPHA)
    assert table.write(ALPHA, "no/such/directory", b"") == Refused(2, "no/such does not exist")
    assert len(table[ALPHA].replica.machine.tree.entries) == 2


def test_a_restarted_node_alone_has_everything_it_answered() -> None:
    table = table_of(ALPHA)
    assert isinstance(table.write(ALPHA, "motd", b"hello"), Done)
    table[ALPHA].sit_down()
    assert table[ALPHA].read("motd") is None  # in the log, and not yet known to be committed
    table.form()
    assert table[ALPHA].read("motd") == b"hello"


# --- acknowledging --------------------------------------------------------------------------------------------------


def asked_of_three() -> tuple[Table, str]:
    """Three nodes where a write was asked of alpha and has reached every node but no disk."""
    table = table_of(ALPHA, BETA, GAMMA)
    for seat in table.seats.values():
        seat.disk_works = False
    request_id = table.propose(ALPHA, Write("motd", b"hello"))
    table.settle()
    return table, request_id


def test_a_write_is_answered_by_this_disk_and_one_other_without_hearing_of_itself() -> None:
    table, request_id = asked_of_three()
    table.flush(BETA)
    table.deliver_one(BETA)
    assert request_id not in table[ALPHA].answers
    table.flush(ALPHA)
    assert isinstance(table[ALPHA].answers[request_id], Done)
    assert [type(message) for message in table[ALPHA].said()] == [Ack]


def test_a_write_is_answered_by_the_two_other_disks_while_this_one_is_slow() -> None:
    table, request_id = asked_of_three()
    for node_id in (BETA, GAMMA):
        table.flush(node_id)
        assert request_id not in table[ALPHA].answers
        table.deliver_one(node_id)
    assert isinstance(table[ALPHA].answers[request_id], Done)


def test_this_disk_alone_answers_no_write_of_three_nodes() -> None:
    table, request_id = asked_of_three()
    table.flush(ALPHA)
    table.settle()
    assert request_id not in table[ALPHA].answers


def test_an_acknowledgement_that_commits_nothing_is_said_a_little_later() -> None:
    table, _ = asked_of_three()
    for node_id in (ALPHA, BETA):
        table.flush(node_id)
    table.settle()
    gamma, session = table[GAMMA], table[GAMMA].replica.work.session
    table.flush(GAMMA)
    assert gamma.said() == [] and isinstance(gamma.effects[-1], SetTimer)
    gamma.step(TimerFired(gamma.effects[-1].name))
    mark = gamma.replica.machine.log.commit.hash[:8]
    assert gamma.said() == [Ack(session, 4 << 20, 2, mark)]


def test_an_acknowledgement_that_was_put_off_goes_with_the_next_one() -> None:
    table, _ = asked_of_three()
    for node_id in (ALPHA, BETA):
        table.flush(node_id)
    table.settle()
    gamma = table[GAMMA]
    table.flush(GAMMA)
    timer = gamma.effects[-1]
    table.propose(GAMMA, Write("motd", b"again"))
    table.settle()
    table.flush(GAMMA)
    assert [(type(one), one.index) for one in gamma.said() if isinstance(one, Ack)] == [(Ack, 3)]
    assert isinstance(timer, SetTimer)
    table.settle()
    assert gamma.step(TimerFired(timer.name)) == []


def test_an_acknowledgement_that_was_put_off_names_its_own_entry_though_more_is_committed() -> None:
    table, _ = asked_of_three()
    for node_id in (ALPHA, BETA):
        table.flush(node_id)
    table.settle()
    gamma = table[GAMMA]
    table.flush(GAMMA)
    timer, mark = gamma.effects[-1], gamma.replica.machine.log.commit.hash[:8]
    table.write(ALPHA, "motd", b"again")
    for node_id in (ALPHA, BETA):
        table.flush(node_id)
    table.settle()
    assert isinstance(timer, SetTimer) and gamma.replica.machine.log.commit.index == 3
    gamma.step(TimerFired(timer.name))
    assert gamma.said() == [Ack(gamma.replica.work.session, 4 << 20, 2, mark)]


# --- three nodes ------------------------------------------------------------------------------------------------------


def test_three_nodes_form_and_a_write_through_any_is_read_on_all() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    for node_id in (ALPHA, BETA, GAMMA):
        assert isinstance(table.write(node_id, f"from-{node_id}", b"x"), Done)
    digests = {seat.replica.machine.log.commit for seat in table.seats.values()}
    trees = [seat.replica.machine.tree.entries for seat in table.seats.values()]
    assert len(digests) == 1 and trees[0] == trees[1] == trees[2]
    assert {seat.read("from-2") for seat in table.seats.values()} == {b"x"}


def test_a_write_is_not_answered_before_a_majority_has_it_on_disk() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    for seat in table.seats.values():
        seat.disk_works = False
    request_id = table.propose(ALPHA, Write("motd", b"hello"))
    table.settle()
    assert request_id not in table[ALPHA].answers
    table[GAMMA].disk_works = True
    table.settle()
    assert request_id not in table[ALPHA].answers
    table[BETA].disk_works = True
    table.settle()
    assert isinstance(table[ALPHA].answers[request_id], Done)
    assert table[ALPHA].disk.waiting == 1  # its own disk is the minority that is still to come


def test_the_window_of_a_proposer_is_bounded() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[BETA].disk_works = table[GAMMA].disk_works = False
    asked = [table.propose(ALPHA, Write("motd", b"%d" % number)) for number in range(70)]
    busy = [table[ALPHA].answers[request_id] for request_id in asked[64:]]
    assert {type(outcome) for outcome in busy} == {NotDone} and {outcome.code for outcome in busy} == {"busy"}
    assert len(table[ALPHA].outbox) == 2  # the rest waits to travel together
    table[BETA].disk_works = table[GAMMA].disk_works = True
    table.settle()
    assert all(isinstance(table[ALPHA].answers[request_id], Done) for request_id in asked[:64])


def test_nobody_begins_an_epoch_before_a_majority_has_promised_it_on_disk() -> None:
    table = Table(ALPHA, BETA, GAMMA)
    for seat in table.seats.values():
        seat.disk_works = False
    table.seat((ALPHA, BETA, GAMMA))
    table.settle()
    assert {seat.phase for seat in table.seats.values()} == {Phase.PROMISING}
    table[GAMMA].disk_works = True
    table.settle()
    assert {seat.phase for seat in table.seats.values()} == {Phase.PROMISING}
    assert all(seat.replica.machine.log.last.index == 0 for seat in table.seats.values())
    table[BETA].disk_works = True
    table.settle()
    assert table[BETA].replica.writable and table[ALPHA].phase is Phase.INSTALLING


def test_a_state_is_said_only_when_everything_before_it_is_on_disk() -> None:
    table = table_of(ALPHA, BETA)
    table.propose(BETA, Write("motd", b"x"))
    table.deliver_one(BETA)
    table.seat((ALPHA, BETA))
    assert not table[ALPHA].outbox and not table[BETA].outbox
    table.flush(ALPHA)
    assert [type(message) for message in table[ALPHA].said()] == [State] and not table[BETA].outbox


# --- views ------------------------------------------------------------------------------------------------------------


def test_a_minority_is_read_only_and_says_how_many_votes_are_missing() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.write(ALPHA, "motd", b"hello")
    table.form(GAMMA)
    gamma = table[GAMMA]
    assert gamma.phase is Phase.READ_ONLY and gamma.replica.reason == "1 of the 2 votes needed to write are present."
    assert gamma.read("motd") == b"hello"
    outcome = table.write(GAMMA, "motd", b"alone")
    assert outcome == NotDone("no-quorum", f"The store is read-only: {gamma.replica.reason}")


def test_what_a_minority_had_not_got_to_a_majority_is_dropped_at_the_merge_and_journalled() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.groups = [(ALPHA,), (BETA, GAMMA)]  # the split has happened, and nobody knows yet
    lost = [table.propose(ALPHA, Write("motd", b"minority %d" % number)) for number in range(3)]
    table.settle()
    assert table[ALPHA].replica.machine.log.last.index == 4 and not table[ALPHA].answers
    table.seat((ALPHA,), (BETA, GAMMA))
    table.settle()
    assert isinstance(table.write(BETA, "motd", b"majority"), Done)
    table[ALPHA].sit_down()  # or it would ask for its writes again
    table.form()
    assert {seat.read("motd") for seat in table.seats.values()} == {b"majority"}
    assert len({seat.replica.machine.log.commit for seat in table.seats.values()}) == 1
    dropped = [conflict.entry.body for conflict in table[ALPHA].disk.conflicts()]
    assert len(dropped) == 3 and all(any(name.encode() in body for body in dropped) for name in lost)


def test_a_longer_log_of_an_older_epoch_loses_against_a_shorter_one_of_a_newer() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.groups = [(ALPHA,), (BETA, GAMMA)]
    for number in range(9):
        table.propose(ALPHA, Write("motd", b"%d" % number))
    table.settle()
    table.form(BETA, GAMMA)
    longer, shorter = table[ALPHA].replica.machine.log.last, table[BETA].replica.machine.log.last
    assert longer.index > shorter.index and longer.epoch < shorter.epoch
    table[ALPHA].sit_down()
    table.form()
    assert table[ALPHA].replica.machine.log.commit.index == shorter.index + 1
    assert table[ALPHA].read("motd") is None


def test_a_write_that_reached_one_survivor_is_adopted_by_the_next_epoch() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[ALPHA].disk_works = table[GAMMA].disk_works = False
    table.propose(ALPHA, Write("motd", b"adopted"))
    table.settle()
    assert table[BETA].read("motd") is None
    table[GAMMA].sit_down()
    table[GAMMA].disk_works = True
    table.form(BETA, GAMMA)
    assert table[BETA].read("motd") == table[GAMMA].read("motd") == b"adopted"


def test_two_halves_of_a_split_with_the_same_ring_sequence_come_together_again() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.seat((ALPHA, BETA), (GAMMA,))
    table.settle()
    table.write(ALPHA, "motd", b"hello")
    table.form()
    assert table[GAMMA].read("motd") == b"hello" and all(seat.replica.writable for seat in table.seats.values())


def test_a_process_that_restarts_within_one_ring_makes_a_new_epoch() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.write(ALPHA, "motd", b"before")
    first = table[ALPHA].replica.promised
    table[GAMMA].sit_down()
    table.seat((ALPHA, BETA), new_ring=False)
    table.settle()
    assert table[ALPHA].replica.promised == first + 1
    table.seat((ALPHA, BETA, GAMMA), new_ring=False)
    table.settle()
    assert {seat.replica.promised for seat in table.seats.values()} == {first + 2}
    assert table[GAMMA].read("motd") == b"before" and isinstance(table.write(GAMMA, "motd", b"after"), Done)


def test_a_ring_sequence_that_fell_back_does_not_take_an_epoch_back() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    promised = table[ALPHA].replica.promised
    table.sequence = 0 - 4
    table.form()
    assert table[ALPHA].replica.promised == promised + 1 and isinstance(table.write(BETA, "motd", b"x"), Done)


def test_messages_of_an_earlier_view_are_ignored() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.propose(ALPHA, Write("motd", b"late"))
    table.seat((ALPHA, BETA, GAMMA))  # what alpha sent is delivered after the view has changed
    logs = [seat.replica.machine.log.last for seat in table.seats.values()]
    table.deliver_one(ALPHA)
    assert [seat.replica.machine.log.last for seat in table.seats.values()] == logs
    table.settle()
    assert {seat.read("motd") for seat in table.seats.values()} == {b"late"}  # alpha sent it again, once


def test_a_node_that_installs_keeps_the_writes_that_come_meanwhile() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[GAMMA].disk_works = False
    table.seat((ALPHA, BETA, GAMMA))
    table.silence(ALPHA)
    table.settle()
    assert table[GAMMA].phase is Phase.INSTALLING and table[ALPHA].replica.writable
    assert isinstance(table.write(ALPHA, "motd", b"meanwhile"), Done)
    table[GAMMA].disk_works = True
    table.settle()
    assert table[GAMMA].read("motd") == b"meanwhile"
    assert table[GAMMA].replica.machine.log.last == table[ALPHA].replica.machine.log.last


def test_the_engine_gone_means_nothing_can_be_written() -> None:
    table = table_of(ALPHA)
    table[ALPHA].step(ViewLost("corosync has stopped."))
    assert table[ALPHA].phase is Phase.OFFLINE
    assert table.write(ALPHA, "motd", b"x") == NotDone("no-quorum", "The store is read-only: corosync has stopped.")


# --- silent members ---------------------------------------------------------------------------------------------------


def test_the_others_go_on_without_a_member_that_is_silent() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.propose(GAMMA, Write("motd", b"x"))
    table.deliver_one(GAMMA)
    table[GAMMA].disk_works = False
    table.seat((ALPHA, BETA, GAMMA))
    table.settle()
    assert table[ALPHA].phase is Phase.COLLECTING
    table.silence(ALPHA, BETA, GAMMA)
    table.settle()
    assert table[ALPHA].replica.writable and not table[GAMMA].replica.writable
    table[GAMMA].disk_works = True
    table.settle()
    assert table[GAMMA].replica.writable and table[GAMMA].read("motd") == b"x"


def test_only_one_of_those_who_spoke_says_that_it_is_time_to_go_on() -> None:
    table = Table(ALPHA, BETA, GAMMA)
    table[GAMMA].disk_works = False
    table.seat((ALPHA, BETA, GAMMA))
    table[GAMMA].outbox.clear()
    table.deliver_one(ALPHA)
    table.deliver_one(BETA)
    table.silence(ALPHA, BETA, GAMMA)
    assert [len(table[node_id].outbox) for node_id in (ALPHA, BETA, GAMMA)] == [1, 0, 0]


def test_a_member_that_speaks_late_can_still_make_a_majority() -> None:
    table = table_of(ALPHA, BETA)
    table.propose(BETA, Write("motd", b"x"))
    table.deliver_one(BETA)
    table[BETA].disk_works = False
    table.seat((ALPHA, BETA))
    table.settle()
    table.silence(ALPHA)
    table.settle()
    assert table[ALPHA].phase is table[BETA].phase is Phase.READ_ONLY
    table[BETA].disk_works = True
    table.settle()
    assert table[ALPHA].replica.writable and table[BETA].replica.writable


def test_a_straggler_that_promised_more_than_the_others_chose_resigns_and_comes_back() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[GAMMA].replica.promised += 5
    table.propose(GAMMA, Write("motd", b"x"))
    table.deliver_one(GAMMA)
    table[GAMMA].disk_works = False
    table.seat((ALPHA, BETA, GAMMA), new_ring=False)
    table[GAMMA].effects.clear()
    table.settle()
    table.silence(ALPHA)
    table.settle()
    assert resigned(table[GAMMA].effects) and table[GAMMA].phase is Phase.OFFLINE
    assert table[ALPHA].replica.writable
    table[GAMMA].disk_works = True
    table.settle()
    table.seat((ALPHA, BETA, GAMMA), new_ring=False)
    table.settle()
    assert all(seat.replica.writable for seat in table.seats.values())


# --- newcomers and leavers --------------------------------------------------------------------------------------------


def test_a_blank_newcomer_learns_and_then_votes() -> None:
    table = table_of(ALPHA, BETA)
    table.write(ALPHA, "motd", b"hello")
    table.configure(ALPHA, ALPHA, BETA, GAMMA)
    assert table[ALPHA].replica.machine.electorate == {ALPHA: 1, BETA: 1}
    table.add(MemoryDisk.blank(LINEAGE, GAMMA, at_once=False))
    table.form()
    gamma = table[GAMMA]
    assert gamma.read("motd") == b"hello" and gamma.replica.writable and not gamma.replica.blank
    assert [seat.replica.machine.electorate for seat in table.seats.values()] == [{ALPHA: 1, BETA: 1, GAMMA: 1}] * 3
    gamma.sit_down()
    assert not gamma.replica.blank and gamma.read("motd") == b"hello"


def test_a_newcomer_does_not_count_before_it_has_learned() -> None:
    table = table_of(ALPHA, BETA)
    table.configure(ALPHA, ALPHA, BETA, GAMMA)
    table.add(MemoryDisk.blank(LINEAGE, GAMMA, at_once=False))
    table.form(ALPHA, GAMMA)
    assert table[ALPHA].phase is table[GAMMA].phase is Phase.READ_ONLY


def test_a_newcomer_that_takes_a_snapshot_past_the_beginning_of_the_epoch_loses_nothing() -> None:
    table = table_of(ALPHA, BETA)
    table.configure(ALPHA, ALPHA, BETA, GAMMA)
    table.add(MemoryDisk.blank(LINEAGE, GAMMA, at_once=False))
    table.seat((ALPHA, BETA, GAMMA))
    while not table[GAMMA].fetches:
        for node_id in table.seats:
            if table[node_id].outbox:
                table.deliver_one(node_id)
            table.flush(node_id)
    wanted = table[GAMMA].fetches.pop()
    table.settle()
    for number in range(3):
        assert isinstance(table.write(ALPHA, f"file-{number}", b"x"), Done)
    table.serve(table[GAMMA], wanted)
    table.settle()
    assert table[GAMMA].replica.machine.tree.entries == table[ALPHA].replica.machine.tree.entries
    assert isinstance(table.write(GAMMA, "motd", b"hello"), Done)
    assert table[GAMMA].replica.machine.log.commit == table[BETA].replica.machine.log.commit


def test_blank_nodes_among_themselves_have_nothing_to_give() -> None:
    table = Table(blank=(ALPHA, BETA))
    table.form()
    assert table[ALPHA].phase is Phase.READ_ONLY
    assert table[ALPHA].replica.reason == "No node that is present has the cluster's store yet."


def test_a_removed_node_no_longer_counts() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.configure(ALPHA, ALPHA, BETA)
    assert table[ALPHA].replica.machine.electorate == {ALPHA: 1, BETA: 1}
    table.form(ALPHA, GAMMA)
    assert table[ALPHA].phase is Phase.READ_ONLY
    table.form(ALPHA, BETA)
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_a_dead_node_can_be_removed_by_the_majority_that_is_left() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.form(ALPHA, BETA)
    assert isinstance(table.configure(BETA, ALPHA, BETA), Done)
    assert table[BETA].replica.machine.electorate == {ALPHA: 1, BETA: 1}


def test_a_removal_waits_until_those_who_stay_are_there_to_confirm_it() -> None:
    """Else it would hold up every write after it, and those who are left could not undo it."""
    table = table_of(ALPHA, BETA, GAMMA)
    table.form(ALPHA, BETA)
    assert isinstance(table.configure(ALPHA, ALPHA, GAMMA), Done)
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)
    assert table[ALPHA].replica.machine.electorate == {ALPHA: 1, BETA: 1, GAMMA: 1}
    table.form(ALPHA, BETA, GAMMA)
    assert table[GAMMA].replica.machine.electorate == {ALPHA: 1, GAMMA: 1}


def test_a_change_of_voters_that_is_still_on_its_way_counts_as_a_dependence() -> None:
    """Alpha asks for delta's vote, and learns of delta's removal before that arrives."""
    table = table_of(ALPHA)
    table.add(MemoryDisk.blank(LINEAGE, DELTA, at_once=False))
    table.form()
    table.propose(ALPHA, Write(CONFIGURATION, b"1 4"))
    table.propose(ALPHA, Write(CONFIGURATION, b"1"))
    while table[ALPHA].replica.work.asked is None:
        table.flush(ALPHA)
        table.deliver_one(ALPHA)
    alpha = table[ALPHA].replica
    assert len(alpha.machine.electorates()) == 1 and alpha.depends_on(DELTA) and not alpha.depends_on(GAMMA)
    table.settle()
    assert not alpha.depends_on(DELTA) and alpha.machine.electorate == {ALPHA: 1}


def test_nodes_are_added_to_the_voters_one_at_a_time() -> None:
    table = table_of(ALPHA)
    table.configure(ALPHA, ALPHA, BETA, GAMMA)
    for node_id in (BETA, GAMMA):
        table.add(MemoryDisk.blank(LINEAGE, node_id, at_once=False))
    table.form()
    changes = [
        one.electorate
        for effect in table[ALPHA].all_of(Keep)
        if isinstance(effect, Keep)
        for one in effect.committed
        if one.electorate is not None
    ]
    assert changes == [{ALPHA: 1, BETA: 1}, {ALPHA: 1, BETA: 1, GAMMA: 1}]


def test_a_change_of_voters_needs_a_majority_of_the_new_ones_as_well() -> None:
    table = table_of(ALPHA)
    table.configure(ALPHA, ALPHA, BETA)
    table.add(MemoryDisk.blank(LINEAGE, BETA, at_once=False))
    table.seat((ALPHA, BETA))
    while table[BETA].phase is not Phase.ACTIVE:
        for node_id in table.seats:
            if table[node_id].outbox:
                table.deliver_one(node_id)
            table.flush(node_id)
            if table[node_id].fetches:
                table.serve(table[node_id], table[node_id].fetches.pop())
    table[BETA].disk_works = False
    table.settle()
    assert table[ALPHA].replica.machine.electorate == {ALPHA: 1}
    table[BETA].disk_works = True
    table.settle()
    assert table[ALPHA].replica.machine.electorate == {ALPHA: 1, BETA: 1}


def test_nodes_of_another_cluster_do_not_count_and_are_not_copied() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.write(ALPHA, "motd", b"ours")
    stranger = Table(DELTA, lineage="another-lineage")[DELTA]
    table.seats[DELTA] = stranger
    table.form(ALPHA, DELTA)
    assert table[ALPHA].phase is Phase.READ_ONLY
    table.form()
    assert all(table[node_id].replica.writable for node_id in (ALPHA, BETA, GAMMA))
    assert isinstance(table.write(BETA, "motd", b"still ours"), Done)
    assert stranger.read("motd") is None and stranger.replica.machine.log.last.index == 2


# --- catching up ------------------------------------------------------------------------------------------------------


def behind() -> Table:
    """Gamma lacks entries of alpha and beta, and asks for them."""
    table = table_of(ALPHA, BETA, GAMMA)
    table.form(ALPHA, BETA)
    for number in range(3):
        table.write(ALPHA, "motd", b"%d" % number)
    table.seat((ALPHA, BETA, GAMMA))
    while not table[GAMMA].fetches:
        for node_id in table.seats:
            if table[node_id].outbox:
                table.deliver_one(node_id)
            table.flush(node_id)
    return table


def test_a_node_that_was_away_asks_the_source_for_what_it_lacks() -> None:
    table = behind()
    wanted = table[GAMMA].fetches[0]
    assert (wanted.source, wanted.contact) == (ALPHA, "node 1")
    assert wanted.want == table[ALPHA].disk.log[4].point and wanted.have[0].index == 1
    table.settle()
    assert table[GAMMA].read("motd") == b"2"


def test_a_failed_fetch_is_tried_again_after_a_while() -> None:
    table = behind()
    gamma, wanted = table[GAMMA], table[GAMMA].fetches.pop()
    effects = gamma.step(FetchFailed(wanted.epoch, "connection refused"))
    assert effects == [SetTimer(f"fetch {wanted.epoch}", 500)]
    gamma.step(TimerFired(f"fetch {wanted.epoch}"))
    assert gamma.fetches == [wanted]


def test_a_history_that_does_not_fit_is_refused_and_asked_for_again() -> None:
    table = behind()
    gamma, wanted = table[GAMMA], table[GAMMA].fetches.pop()
    found = table[ALPHA].disk.history(wanted.have, wanted.want)
    assert found is not None
    common, entries = found
    forged = (*entries[:-1], chained(entries[-2].point, entries[-1].point.epoch, b"forged"))
    for event in (
        HistoryFetched(wanted.epoch, common, None, entries[:-1]),
        HistoryFetched(wanted.epoch, common, None, entries[1:]),
        HistoryFetched(wanted.epoch, common, None, forged),
        HistoryFetched(wanted.epoch, entries[0].point, None, entries[1:]),
        HistoryFetched(wanted.epoch, None, None, entries),
    ):
        before = gamma.replica.machine.log.last
        assert SetTimer(f"fetch {wanted.epoch}", 500) in gamma.step(event)
        assert gamma.replica.machine.log.last == before and gamma.phase is Phase.FETCHING


def test_a_node_that_was_away_while_all_other_voters_were_replaced_finds_its_way_back() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.form(ALPHA, BETA)
    table.configure(ALPHA, ALPHA, BETA, GAMMA, DELTA, EPSILON)
    for node_id in (DELTA, EPSILON):
        table.add(MemoryDisk.blank(LINEAGE, node_id, at_once=False))
    table.form(ALPHA, BETA, DELTA, EPSILON)
    table.configure(DELTA, GAMMA, DELTA, EPSILON)
    assert table[EPSILON].replica.machine.electorate == {GAMMA: 1, DELTA: 1, EPSILON: 1}
    table.form(GAMMA, DELTA, EPSILON)  # alpha and beta are gone for good
    assert table[GAMMA].replica.writable and isinstance(table.write(GAMMA, "motd", b"back"), Done)


def test_voters_that_are_gone_do_not_count_when_anybody_knows_of_it() -> None:
    """Delta has the lowest id of the longest history, and wakes up without knowing which of it was committed."""
    table = table_of(ALPHA, BETA, DELTA, EPSILON)
    table.configure(ALPHA, DELTA, EPSILON)
    table[DELTA].disk = delta = MemoryDisk.create(LINEAGE, DELTA, 1, at_once=False)
    known = table[ALPHA].disk
    delta.base, delta.log, delta._promised = known.base, list(known.log), table[DELTA].replica.promised
    delta._tree, delta._version = dict(known._tree), 2
    delta._kept, delta._electorate = known.base, dict.fromkeys((ALPHA, BETA, DELTA, EPSILON), 1)
    table[DELTA].sit_down()
    table.form(DELTA, EPSILON)
    assert table[DELTA].replica.writable and table[DELTA].replica.machine.electorate == {DELTA: 1, EPSILON: 1}


def test_a_history_for_another_epoch_is_ignored() -> None:
    table = behind()
    gamma, wanted = table[GAMMA], table[GAMMA].fetches.pop()
    found = table[ALPHA].disk.history(wanted.have, wanted.want)
    assert found is not None
    assert gamma.step(HistoryFetched(wanted.epoch + 1, found[0], None, found[1])) == []


def test_a_snapshot_of_a_later_epoch_waits_for_the_later_view() -> None:
    """The source has gone on without us, and we have not heard: what it has is not what this view agreed on."""
    table = behind()
    gamma, wanted = table[GAMMA], table[GAMMA].fetches.pop()
    table.form(ALPHA, BETA)
    table.write(ALPHA, "motd", b"later")
    effects = gamma.step(HistoryFetched(wanted.epoch, None, table[ALPHA].replica.machine.snapshot(), ()))
    assert gamma.phase is Phase.FETCHING and SetTimer(f"fetch {wanted.epoch}", 500) in effects
    table.form()
    assert gamma.read("motd") == b"later"


def test_a_snapshot_that_is_no_tree_is_refused() -> None:
    table = behind()
    gamma, wanted = table[GAMMA], table[GAMMA].fetches.pop()
    good = table[ALPHA].replica.machine.snapshot()
    twice = (*good.entries, replace(good.entries[0], inode=99))
    broken = Snapshot(good.point, good.version, 0, twice, good.electorate)
    gamma.step(HistoryFetched(wanted.epoch, None, broken, ()))
    assert gamma.phase is Phase.FETCHING and gamma.read("corosync.conf") is not None


def test_what_a_snapshot_contains_already_is_not_journalled_as_a_conflict() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[GAMMA].disk.trim(keep_entries=0)
    for number in range(3):
        table.write(ALPHA, "motd", b"%d" % number)
    table.propose(GAMMA, Write("mine", b"nobody else has it"))
    table.groups = [(GAMMA,), (ALPHA, BETA)]
    table.settle()
    table[GAMMA].sit_down()
    assert table[GAMMA].replica.machine.log.suffix
    table.form(ALPHA, BETA)
    for number in range(3):
        table.write(BETA, "motd", b"%d" % number)
    for node_id in (ALPHA, BETA):
        table[node_id].disk.trim(keep_entries=0)
    table.form()
    assert table[GAMMA].read("motd") == b"2"
    conflicts = table[GAMMA].disk.conflicts()
    assert [b"nobody else has it" in conflict.entry.body for conflict in conflicts] == [True]


# --- asking twice, and not being answered -----------------------------------------------------------------------------


def test_the_same_request_twice_is_applied_once_and_answered_alike() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    first = table.propose(ALPHA, Write("motd", b"once"), request_id="bob-1")
    table.propose(ALPHA, Write("motd", b"once"), request_id="bob-1")
    table.propose(BETA, Write("motd", b"once"), request_id="bob-1")
    table.settle()
    versions = table[GAMMA].replica.machine.tree.version
    again = table.propose(GAMMA, Write("motd", b"once"), request_id="bob-1")
    assert table[ALPHA].answers[first] == table[BETA].answers[first] == table[GAMMA].answers[again]
    assert table[GAMMA].replica.machine.tree.version == versions == 3


def test_a_retry_after_a_change_of_view_is_applied_once() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.propose(ALPHA, Write("motd", b"once"), request_id="bob-1")
    table.deliver_one(ALPHA)
    table.seat((ALPHA, BETA, GAMMA))
    table.settle()
    assert isinstance(table[ALPHA].answers["bob-1"], Done)
    assert table[BETA].replica.machine.tree.version == 3


def test_a_request_that_was_sent_and_expires_is_unknown_and_one_that_was_not_has_failed() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    sent = table.propose(ALPHA, Write("motd", b"1"))
    table.seat((ALPHA, BETA, GAMMA))
    unsent = table.propose(ALPHA, Write("motd", b"2"))
    table[ALPHA].step(Expired(sent))
    table[ALPHA].step(Expired(unsent))
    assert isinstance(table[ALPHA].answers[sent], Unknown) and isinstance(table[ALPHA].answers[unsent], NotDone)
    assert table[ALPHA].step(Expired(unsent)) == []


def test_losing_the_majority_fails_what_was_never_sent_and_nothing_else() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    sent = table.propose(ALPHA, Write("motd", b"1"))
    table[ALPHA].outbox.clear()  # the engine took it; who knows
    table.seat((ALPHA, BETA, GAMMA))
    unsent = table.propose(ALPHA, Write("motd", b"2"))
    table.form(ALPHA)
    assert list(table[ALPHA].answers) == [unsent] and isinstance(table[ALPHA].answers[unsent], NotDone)
    table.form()
    assert isinstance(table[ALPHA].answers[sent], Done)


@pytest.mark.parametrize("expired", [False, True], ids=["still waiting", "expired"])
def test_asking_again_for_what_may_have_been_sent_is_never_answered_with_failed(expired: bool) -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.propose(ALPHA, Write("motd", b"1"), request_id="bob-1")
    table.deliver_one(ALPHA)
    if expired:
        table[ALPHA].step(Expired("bob-1"))
        table[ALPHA].answers.clear()
    table.form(ALPHA)
    table.propose(ALPHA, Write("motd", b"1"), request_id="bob-1")
    assert not isinstance(table[ALPHA].answers.get("bob-1"), NotDone)
    table[ALPHA].step(Expired("bob-1"))
    assert isinstance(table[ALPHA].answers["bob-1"], Unknown)
    table.form()
    table.propose(ALPHA, Write("motd", b"1"), request_id="bob-1")
    table.settle()
    assert isinstance(table[ALPHA].answers["bob-1"], Done)


# --- disks that fail --------------------------------------------------------------------------------------------------


def test_a_node_whose_disk_fails_resigns_and_tells_those_who_wait() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    sent = table.propose(ALPHA, Write("motd", b"1"))
    effects = table[ALPHA].step(PersistFailed("The disk is full."))
    assert effects == [Resign("The disk is full."), Reply(sent, Unknown("The disk is full."))]
    assert table[ALPHA].phase is Phase.FAILED
    assert table.write(ALPHA, "motd", b"2") == NotDone("unavailable", "The disk is full.", errno.EIO)
    assert table[ALPHA].step(ViewChanged(RingId(99, ALPHA), (Member(ALPHA, 101),))) == []


def test_a_failed_disk_s_errno_is_what_a_program_is_told() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[ALPHA].step(PersistFailed("The disk is full.", errno.ENOSPC))
    assert table.write(ALPHA, "motd", b"2") == NotDone("unavailable", "The disk is full.", errno.ENOSPC)


def test_of_two_nodes_the_one_that_lost_its_disk_is_filled_by_the_other() -> None:
    table = table_of(ALPHA, BETA)
    table.write(ALPHA, "motd", b"kept by both")
    table.add(MemoryDisk.blank(LINEAGE, BETA, at_once=False))
    table.form()
    assert table[BETA].read("motd") == b"kept by both"
    assert isinstance(table.write(BETA, "motd", b"goes on"), Done)


def test_of_three_nodes_one_cannot_fill_two_that_lost_their_disks() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.write(ALPHA, "motd", b"perhaps not the last")
    for lost in (BETA, GAMMA):
        table.add(MemoryDisk.blank(LINEAGE, lost, at_once=False))
    table.form()
    assert {table[one].phase for one in (ALPHA, BETA, GAMMA)} == {Phase.READ_ONLY}


def test_a_node_whose_disk_failed_acknowledges_nothing_more() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table[GAMMA].disk.fail()
    table[GAMMA].outbox.clear()
    table.write(ALPHA, "motd", b"1")
    assert not table[GAMMA].outbox and table[GAMMA].replica.machine.log.last.index == 1
    assert isinstance(table.write(ALPHA, "motd", b"2"), Done)  # two of three is enough


# --- malformed and forged messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00", b"\x01", b"\x01\x91", b"\x02" + b"\x90", b"\x01" + b"\x91" * 100_000, b"\xff" * 50],
    ids=["empty", "zero", "only the version", "half", "a later version", "deep", "noise"],
)
def test_a_malformed_message_raises_an_alarm_and_nothing_else(payload: bytes) -> None:
    table = table_of(ALPHA, BETA)
    table[BETA].outbox.append(payload)
    table[ALPHA].effects.clear()
    table.deliver_one(BETA)
    assert [type(effect).__name__ for effect in table[ALPHA].effects] == ["Alarm"]
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_a_node_cannot_put_entries_in_the_log_in_the_name_of_another() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    work = table[BETA].replica.work
    table.say(BETA, Append(work.session, work.epoch, (body_of_request("x", ALPHA, Write("motd", b"forged")),)))
    table.say(BETA, Append(work.session, work.epoch, (encode_body(EpochStart(work.epoch)),)))
    table.say(BETA, Append(work.session, work.epoch, (b"\xc1",)))
    last = table[ALPHA].replica.machine.log.last
    table.settle()
    assert {seat.replica.machine.log.last for seat in table.seats.values()} == {last}
    assert isinstance(table.write(GAMMA, "motd", b"real"), Done)


def test_one_node_cannot_acknowledge_or_promise_for_others() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    for seat in table.seats.values():
        seat.disk_works = False
    request_id = table.propose(ALPHA, Write("motd", b"x"))
    table.settle()
    work = table[BETA].replica.work
    for _ in range(5):
        table.say(BETA, Ack(work.session, work.epoch, 2))
        table.say(BETA, Promise(work.session, work.epoch))
    table.settle()
    assert request_id not in table[ALPHA].answers


def test_an_acknowledgement_of_what_does_not_exist_commits_no_more_than_there_is() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    work = table[BETA].replica.work
    for node_id in (BETA, GAMMA):
        table.say(node_id, Ack(work.session, work.epoch, 1 << 40))
    table.settle()
    assert table[ALPHA].replica.machine.log.commit.index == 1


def test_who_is_not_in_the_view_is_not_heard() -> None:
    table = table_of(ALPHA, BETA, GAMMA)
    table.form(ALPHA, BETA)
    work = table[ALPHA].replica.work
    table.say(GAMMA, Append(work.session, work.epoch, (body_of_request("x", GAMMA, Write("motd", b"x")),)))
    table.groups = [(ALPHA, BETA, GAMMA)]
    table.deliver_one(GAMMA)
    assert table[ALPHA].replica.machine.log.last.index == 2


@pytest.mark.parametrize(
    "change",
    [
        {"electorates": ()},
        {"promised": 1 << 63},
        {"promised": -1},
        {"electorates": (InForce(0, {BETA: -1}),)},
        {"electorates": (InForce(0, {1 << 70: 1}),)},
        {"commit": Point(0, 1 << 60, b"nowhere")},
    ],
    ids=[
        "no electorate",
        "promised beyond all bounds",
        "promised nothing",
        "negative votes",
        "no node id",
        "a commit nobody has",
    ],
)
def test_a_state_with_impossible_values_harms_nobody(change: dict[str, object]) -> None:
    table = Table(ALPHA, BETA, GAMMA)
    table.seat((ALPHA, BETA, GAMMA))
    honest = table[BETA].said()[0]
    assert isinstance(honest, State)
    values = {name: getattr(honest, name) for name in honest.__struct_fields__} | change
    table[BETA].outbox.clear()
    try:
        table.say(BETA, State(**values))
    except OverflowError:
        return  # it cannot even be encoded
    table.settle()
    table.silence(ALPHA)
    table.settle()
    assert table[ALPHA].replica.writable and table[GAMMA].replica.writable


def test_a_body_nested_beyond_reason_is_ignored_by_all() -> None:
    table = table_of(ALPHA, BETA)
    work = table[BETA].replica.work
    honest = body_of_request("x", BETA, Write("motd", b"x"))
    assert honest[0] == 0x97
    deep = b"\x98" + honest[1:] + b"\x91" * 200_000 + b"\xc0"
    table.say(BETA, Append(work.session, work.epoch, (deep,)))
    table.settle()
    assert table[ALPHA].replica.machine.log.last.index == 1
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_a_large_change_travels_in_pieces() -> None:
    table = table_of(ALPHA, BETA)
    operations = [Write(f"file-{number}", bytes([number]) * 700_000) for number in range(3)]
    request_id = table.propose(ALPHA, *operations)
    assert [type(message) for message in table[ALPHA].said()] == [Part] * 3
    table.settle()
    assert isinstance(table[ALPHA].answers[request_id], Done) and table[BETA].read("file-2") == b"\x02" * 700_000


def test_a_change_that_is_too_large_is_refused_before_it_is_sent() -> None:
    table = table_of(ALPHA)
    request_id = table.propose(ALPHA, *(Write(f"file-{number}", bytes(900_000)) for number in range(5)))
    outcome = table[ALPHA].answers[request_id]
    assert isinstance(outcome, Refused) and outcome.errno == errno.EFBIG
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_a_change_that_no_node_would_accept_is_refused_before_it_is_sent() -> None:
    table = table_of(ALPHA)
    table[ALPHA].step(Proposed("x", body_of_request("x", BETA, Write("motd", b"in another's name"))))
    table[ALPHA].step(Proposed("y", b"noise"))
    table[ALPHA].step(Proposed("z", body_of_request("z", ALPHA, Touch("corosync.conf", 1 << 60))))
    assert table[ALPHA].answers == {name: Refused(errno.EINVAL, "The change is malformed.") for name in "xyz"}
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_pieces_of_pieces_are_not_taken_apart() -> None:
    table = table_of(ALPHA, BETA)
    session = table[BETA].replica.work.session
    inner = encode(Part(session, b"", True))
    for _ in range(3000):
        inner = encode(Part(session, inner, True))
    table[BETA].outbox.append(inner)
    table.settle()
    assert isinstance(table.write(ALPHA, "motd", b"x"), Done)


def test_a_message_in_pieces_without_an_end_is_forgotten() -> None:
    table = table_of(ALPHA, BETA)
    session = table[BETA].replica.work.session
    for _ in range(9):
        table.say(BETA, Part(session, bytes(1 << 20), False))
    table.settle()
    assert len(table[ALPHA].replica.work.parts.get(BETA, b"")) <= 5 << 20
    table[BETA].outbox.extend(split(Part(session, b"", True)))
    table.settle()
    assert isinstance(table.write(BETA, "motd", b"x"), Done)


# --- five nodes -------------------------------------------------------------------------------------------------------


def test_of_five_any_three_can_go_on_and_two_cannot() -> None:
    table = table_of(ALPHA, BETA, GAMMA, DELTA, EPSILON)
    table.seat((ALPHA, BETA), (GAMMA, DELTA, EPSILON))
    table.settle()
    assert isinstance(table.write(ALPHA, "motd", b"two"), NotDone)
    assert isinstance(table.write(EPSILON, "motd", b"three"), Done)
    table.seat((ALPHA, BETA, GAMMA), (DELTA, EPSILON))
    table.settle()
    assert table[ALPHA].read("motd") == b"three" and isinstance(table.write(ALPHA, "motd", b"again"), Done)
    table.form()
    assert {seat.read("motd") for seat in table.seats.values()} == {b"again"}


def test_appended_entries_are_persisted_together() -> None:
    table = table_of(ALPHA)
    table[ALPHA].effects.clear()
    for number in range(5):
        table.propose(ALPHA, Write("motd", b"%d" % number))
    table.settle()
    records = [effect.record for effect in table[ALPHA].effects if isinstance(effect, Persist)]
    assert [len(record.entries) for record in records if isinstance(record, AppendRecord)] == [1, 1, 3]
