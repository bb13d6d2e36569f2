"""A committed entry changes the tree once, answers who waits, and is remembered alike on every node."""

from __future__ import annotations

from cluster.core.effects import AppendRecord, Committed, Done, Effect, Expose, Keep, Refused, Reply
from cluster.core.log import Entry
from cluster.core.machine import REMEMBERED_MS, Durable, Machine
from cluster.core.messages import InForce
from cluster.core.operations import Command, ElectorateChange, EpochStart, Write, encode_body
from cluster.core.tree import AnyOperation
from cluster.model import Revision
from cluster.store.memory import MemoryDisk
from tests.core.table import nodelist

ALL = 1 << 30


def machine(**votes: int) -> Machine:
    electorate = {int(name[1:]): count for name, count in votes.items()} or {1: 1}
    made = Machine(Durable("lineage", 1), nodelist)
    made.electorate = electorate
    return made


def add(target: Machine, request_id: str, *operations: AnyOperation, time_ms: int = 5_000) -> Entry:
    return target.log.append(1, encode_body(Command(request_id, 1, time_ms, "bob@pve", "cli", operations)))


def commit(target: Machine, **held: int) -> list[Effect]:
    effects: list[Effect] = []
    target.commit({int(name[1:]): index for name, index in held.items()} or {1: ALL}, effects)
    return effects


def committed(effects: list[Effect]) -> list[Committed]:
    return [one for effect in effects if isinstance(effect, Keep) for one in effect.committed]


def test_a_committed_command_is_kept_shown_and_answered_to_who_waits() -> None:
    alpha = machine()
    entry = add(alpha, "r1", Write("motd", b"x"))
    alpha.proposals.add("r1", entry.body)
    effects = commit(alpha)
    (one,) = committed(effects)
    assert effects == [Reply("r1", Done(Revision(1, 1))), Keep((one,)), Expose((one,))]
    assert (one.point, one.version, one.user, one.door, one.node_id, one.time_ms) == (
        entry.point, 2, "bob@pve", "cli", 1, 5_000,
    )  # fmt: skip
    assert commit(alpha) == []


def test_what_may_not_be_committed_yet_is_told_by_path_the_newest_first() -> None:
    alpha = machine()
    add(alpha, "r1", Write("motd", b"1"))
    commit(alpha)
    add(alpha, "r2", Write("motd", b"2"), Write("other", b"x"), Write("motd", b"3"))
    alpha.log.append(1, encode_body(EpochStart(1)))
    add(alpha, "r3", Write("motd", b"4"))
    assert alpha.not_yet_committed("motd") == [b"4", b"3", b"2"]
    assert alpha.not_yet_committed("motd/1") == []


def test_a_refused_command_is_kept_and_remembered_and_shown_to_nobody() -> None:
    alpha = machine()
    entry = add(alpha, "r1", Write("no/such", b"x"))
    alpha.proposals.add("r1", entry.body)
    effects = commit(alpha)
    assert effects[0] == Reply("r1", Refused(2, "no does not exist")) and len(effects) == 2
    assert isinstance(effects[0], Reply) and isinstance(effects[0].outcome, Refused)
    assert effects[0].outcome.revision == Revision(entry.point.epoch, entry.point.index)
    assert committed(effects)[0].applied is None and alpha.remembered["r1"].errno == 2


def test_a_request_that_is_remembered_is_answered_as_the_first_time() -> None:
    alpha = machine()
    add(alpha, "r1", Write("motd", b"1"))
    commit(alpha)
    add(alpha, "r2", Write("motd", b"2"))
    again = add(alpha, "r1", Write("motd", b"1"))
    alpha.proposals.add("r1", again.body)
    effects = commit(alpha)
    assert Reply("r1", Done(Revision(1, 1))) in effects and alpha.tree.read("motd") == b"2"
    assert committed(effects)[1].remembered is None


def test_the_oldest_outcomes_are_forgotten_by_the_clock_in_the_commands_alone() -> None:
    alpha, beta = machine(), machine()
    for number, time_ms in enumerate((0, 10, REMEMBERED_MS, REMEMBERED_MS + 11, 5)):
        for one in (alpha, beta):
            add(one, f"r{number}", Write("motd", b"x"), time_ms=time_ms)
        commit(alpha)
    commit(beta)
    assert list(alpha.remembered) == list(beta.remembered) == ["r2", "r3", "r4"]


def test_a_body_that_means_nothing_changes_nothing() -> None:
    alpha = machine()
    alpha.log.append(1, b"\xc1")
    alpha.log.append(1, encode_body(EpochStart(1)))
    assert [one.applied for one in committed(commit(alpha))] == [None, None] and alpha.tree.version == 1


# --- majorities -------------------------------------------------------------------------------------------------------


def test_only_what_a_majority_holds_is_committed() -> None:
    alpha = machine(n1=1, n2=1, n3=1)
    for number in range(4):
        add(alpha, f"r{number}", Write("motd", b"%d" % number))
    assert commit(alpha, n1=4) == []
    assert len(committed(commit(alpha, n1=4, n3=2))) == 2 and alpha.log.commit.index == 2
    assert len(committed(commit(alpha, n1=4, n2=99, n3=2))) == 2 and alpha.log.commit.index == 4


def test_a_change_of_voters_is_committed_by_both_and_from_then_on_the_new_ones_count() -> None:
    alpha = machine(n1=1)
    change = alpha.log.append(1, encode_body(ElectorateChange({1: 1}, {1: 1, 2: 1})))
    add(alpha, "r1", Write("motd", b"x"))
    assert alpha.electorates() == (InForce(0, {1: 1}), InForce(1, {1: 1, 2: 1}))
    assert commit(alpha, n1=2) == []
    (one,) = committed(commit(alpha, n1=2, n2=1))
    assert one.point == change.point and one.electorate == alpha.electorate == {1: 1, 2: 1}
    assert commit(alpha, n1=2, n2=1) == []
    assert len(committed(commit(alpha, n1=2, n2=2))) == 1


def test_a_change_made_for_another_electorate_is_void() -> None:
    alpha = machine(n1=1, n2=1)
    alpha.log.append(1, encode_body(ElectorateChange({1: 1}, {1: 1, 3: 1})))
    alpha.log.append(1, encode_body(ElectorateChange({1: 1, 2: 1}, {})))
    assert alpha.electorates() == (InForce(0, {1: 1, 2: 1}),)
    assert [one.electorate for one in committed(commit(alpha, n1=2, n2=2))] == [None, None]
    assert alpha.electorate == {1: 1, 2: 1}


def test_of_two_changes_in_a_row_the_first_wins() -> None:
    alpha = machine(n1=1)
    for newcomer in (2, 3):
        alpha.log.append(1, encode_body(ElectorateChange({1: 1}, {1: 1, newcomer: 1})))
    assert alpha.electorates()[-1] == InForce(1, {1: 1, 2: 1})
    commit(alpha, n1=2, n2=2, n3=2)
    assert alpha.electorate == {1: 1, 2: 1}


def test_what_is_known_to_be_committed_needs_no_votes_but_must_be_ours() -> None:
    alpha, effects = machine(n1=1, n2=1, n3=1), list[Effect]()
    entries = [add(alpha, f"r{number}", Write("motd", b"%d" % number)) for number in range(3)]
    elsewhere = machine()
    add(elsewhere, "other", Write("motd", b"other"))
    assert not alpha.commit({}, effects, elsewhere.log.last)
    assert alpha.commit({}, effects, entries[1].point) and alpha.log.commit == entries[1].point
    assert alpha.tree.read("motd") == b"1"


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_a_machine_made_of_a_snapshot_goes_on_alike() -> None:
    alpha = machine(n1=1, n2=1)
    add(alpha, "r1", Write("motd", b"x"))
    add(alpha, "r2", Write("no/such", b"x"))
    commit(alpha, n1=2, n2=2)
    waiting = add(alpha, "r3", Write("motd", b"y"))
    beta = Machine(Durable("lineage", 2, snapshot=alpha.snapshot(), suffix=(waiting,)), nodelist)
    assert beta.tree.entries == alpha.tree.entries and beta.remembered == alpha.remembered
    for one in (alpha, beta):
        commit(one, n1=3, n2=3)
    assert beta.snapshot() == alpha.snapshot() and beta.log.commit == alpha.log.commit


def test_what_a_disk_kept_and_the_rest_of_the_log_make_the_same_machine() -> None:
    alpha, disk = machine(), MemoryDisk.create("lineage", 1, 1, at_once=False)
    alpha.adopt(disk.load().snapshot)
    for number in range(9):
        add(alpha, f"r{number}", Write(f"file-{number % 3}", b"%d" % number))
    disk.persist(1, AppendRecord(tuple(alpha.log.suffix)))
    disk.complete()
    kept = committed(commit(alpha, n1=5))
    disk.keep(tuple(kept))
    disk.close()
    again = Machine(disk.load(), nodelist)
    assert again.log.commit.index == 5 and len(again.log.suffix) == 4
    commit(again)
    commit(alpha)
    assert again.snapshot() == alpha.snapshot()


def test_the_configuration_says_whose_votes_should_count() -> None:
    alpha = machine(n1=1)
    assert alpha.configured_votes() == {1: 1}
    add(alpha, "r1", Write("corosync.conf", b"1 2 3"))
    commit(alpha)
    assert alpha.configured_votes() == {1: 1, 2: 1, 3: 1}
    add(alpha, "r2", Write("corosync.conf", b""))
    commit(alpha)
    assert alpha.configured_votes() == {1: 1}
