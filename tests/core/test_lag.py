"""A member that does not keep up is noticed by its Acks and a clock, and past a backlog asked to start again."""

from __future__ import annotations

import pytest

from cluster.core import lagging
from cluster.core.events import Looked, TimerFired
from cluster.core.lag import LATE_MS, MARKS_MAX, Behind, Lag
from cluster.core.messages import StartAgain
from cluster.core.operations import Write
from cluster.core.replica import Phase
from tests.core.table import ALPHA, BETA, GAMMA, Table, resigned


def test_a_member_is_late_once_it_has_not_confirmed_for_ten_seconds() -> None:
    lag = Lag()
    assert lag.look(1_000, {ALPHA: 5, BETA: 4}, 5) == ()
    assert lag.look(1_000 + LATE_MS - 1, {ALPHA: 9, BETA: 4}, 9) == ()
    assert lag.look(1_000 + LATE_MS, {ALPHA: 9, BETA: 4}, 9) == (Behind(BETA, LATE_MS, 0),)


def test_a_member_that_goes_on_confirming_is_not_late_however_much_is_under_way() -> None:
    lag = Lag()
    for second in range(60):
        assert lag.look(second * 1000, {BETA: second * 100}, second * 100 + 150) == ()


def test_a_member_that_has_confirmed_everything_is_not_late() -> None:
    lag = Lag()
    lag.look(0, {BETA: 4}, 5)
    assert lag.look(60_000, {BETA: 5}, 5) == ()


def test_a_member_that_has_confirmed_nothing_yet_is_catching_up() -> None:
    assert Lag().look(0, {}, 5) == Lag().look(60_000, {}, 5) == ()


def test_the_backlog_is_counted_in_bytes_and_remembered_coarsely() -> None:
    lag = Lag()
    for index in range(1, 101):
        lag.appended(index, 100_000)
    assert lag.bytes_after(100) == 0 and lag.bytes_after(90) == 1_000_000 and lag.bytes_after(0) == 10_000_000
    for index in range(101, 100_000):
        lag.appended(index, 100)
    assert lag.bytes_after(99_999) < 1 << 17 and len(lag._marks) <= MARKS_MAX


def late_beta(monkeypatch: pytest.MonkeyPatch, backlog: int) -> Table:
    """Beta's disk hangs; the others write on."""
    monkeypatch.setattr(lagging, "BACKLOG_BYTES_MAX", backlog)
    table = Table(ALPHA, BETA, GAMMA)
    table.form()
    table[BETA].disk_works = False
    for number in range(3):
        table.write(ALPHA, f"file-{number}", bytes(100_000))
    for seat in table.seats.values():
        seat.step(Looked(1_000))
        seat.step(Looked(1_000 + LATE_MS))
    return table


def test_who_is_late_is_known_to_everybody_and_left_alone_while_the_backlog_is_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = late_beta(monkeypatch, 64 << 20)
    assert [one.node_id for one in table[ALPHA].replica.behind] == [BETA]
    assert [one.node_id for one in table[GAMMA].replica.behind] == [BETA]
    assert not any(seat.outbox for seat in table.seats.values())
    table[BETA].disk_works = True
    table.settle()
    table[BETA].step(
        TimerFired(f"ack {table[BETA].replica.work.view.hex()}")
    )  # an Ack that commits nothing comes later
    table.settle()
    table[ALPHA].step(Looked(60_000))
    assert table[ALPHA].replica.behind == ()


def test_past_the_backlog_it_is_asked_once_by_one_and_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    table = late_beta(monkeypatch, 250_000)
    epoch = table[ALPHA].replica.work.epoch
    said = [message for seat in table.seats.values() for message in seat.said()]
    assert said == [StartAgain(table[ALPHA].replica.work.session, epoch, BETA)]
    table[ALPHA].step(Looked(30_000))
    assert len(table[ALPHA].outbox) == 1
    table.settle()
    assert table[BETA].phase is Phase.OFFLINE and resigned(table[BETA].effects)
    assert table[ALPHA].replica.writable and not resigned(table[ALPHA].effects)

    table[BETA].disk_works = True
    table.flush(BETA)
    table.form()
    assert table[BETA].read("file-2") == bytes(100_000)


def test_the_request_to_start_again_is_only_for_whom_it_names_and_in_its_epoch() -> None:
    table = Table(ALPHA, BETA, GAMMA)
    table.form()
    session, epoch = table[ALPHA].replica.work.session, table[ALPHA].replica.work.epoch
    table.say(ALPHA, StartAgain(session, epoch - 1, BETA))
    table.say(ALPHA, StartAgain(session, epoch, 77))
    table.propose(ALPHA, Write("a", b""))
    table.settle()
    assert all(seat.phase is Phase.ACTIVE for seat in table.seats.values())


def test_a_node_that_does_not_write_says_nothing_of_others() -> None:
    table = Table(ALPHA, BETA, GAMMA)
    table.form(ALPHA)
    table[ALPHA].step(Looked(1))
    assert table[ALPHA].replica.behind == () and not table[ALPHA].outbox
