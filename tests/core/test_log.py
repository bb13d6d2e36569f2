"""The log is a chain: an entry fits where it was made and nowhere else."""

from __future__ import annotations

from dataclasses import replace

from cluster.core.log import FIRST, Entry, Log, chained, is_chain
from cluster.core.messages import Point


def chain(*bodies: bytes, epoch: int = 5, after: Point = FIRST) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for body in bodies:
        entries.append(chained(entries[-1].point if entries else after, epoch, body))
    return tuple(entries)


def test_an_entry_s_hash_covers_everything_before_it() -> None:
    one, two = chain(b"1", b"2")
    other = chained(chained(FIRST, 5, b"another first").point, 5, b"2")
    assert (one.point.index, two.point.index) == (1, 2)
    assert two.point.hash != other.point.hash and len(two.point.hash) == 32


def test_the_same_body_in_another_epoch_or_place_has_another_hash() -> None:
    assert len({chained(before, epoch, b"x").point.hash for epoch in (1, 2) for before in (FIRST, Point(0, 7))}) == 4


def test_t70_a_chain_is_recognised_and_every_change_to_it_is_noticed() -> None:
    entries = chain(b"1", b"2", b"3")
    assert is_chain(FIRST, entries) and is_chain(FIRST, ()) and is_chain(entries[0].point, entries[1:])
    one, two, three = entries
    for broken in (
        (one, three),
        (two, three),
        (one, one, two),
        (one, two, replace(three, body=b"forged")),
        (one, replace(two, point=Point(6, 2, two.point.hash)), three),
        (one, replace(two, point=Point(5, 2, b"\0" * 32)), three),
    ):
        assert not is_chain(FIRST, broken)


def test_epochs_never_fall_in_a_chain() -> None:
    late = chain(b"1", epoch=9)
    assert is_chain(FIRST, (*late, chained(late[0].point, 9, b"2")))
    assert not is_chain(FIRST, (*late, chained(late[0].point, 8, b"2")))


def test_committing_moves_the_beginning_of_the_suffix() -> None:
    log = Log()
    entries = tuple(log.append(5, body) for body in (b"1", b"2", b"3"))
    assert log.points() == (FIRST, *(entry.point for entry in entries)) and log.last == entries[2].point
    assert log.take_committed(2) == entries[:2]
    assert log.commit == entries[1].point and log.suffix == [entries[2]] and log.take_committed(2) == ()
    assert log.after(1) == log.after(2) == entries[2:] and log.after(3) == ()
    assert log.append(5, b"4") == chained(entries[2].point, 5, b"4")


def test_a_log_with_nothing_uncommitted_ends_at_its_commit() -> None:
    log = Log(Point(3, 17, b"h"))
    assert log.last == Point(3, 17, b"h") and log.append(4, b"x").point.index == 18


def test_replacing_the_end_returns_what_is_dropped() -> None:
    log = Log()
    entries = [log.append(5, body) for body in (b"1", b"2", b"3")]
    log.take_committed(1)
    other = chain(b"other", epoch=6, after=entries[1].point)
    assert log.replace_after(2, other) == (entries[2],)
    assert log.suffix == [entries[1], *other] and is_chain(log.commit, tuple(log.suffix))
    assert log.replace_after(1, ()) == (entries[1], *other) and log.last == entries[0].point
