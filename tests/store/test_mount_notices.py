"""What the kernel is told, and when: not while somebody who waits for an answer keeps a directory locked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cluster.store.mount import protocol as p
from cluster.store.mount.channel import Channel
from cluster.store.mount.notices import Notices


@dataclass
class Told:
    notices: Notices
    line: socket.socket

    def next(self) -> tuple[int, bytes | None]:
        """The next notice the kernel hears: a number, and the name when it is of a name."""
        said = self.line.recv(4096)
        _, code, unique = p.OUT_HEADER.unpack_from(said)
        assert unique == 0
        if code == p.NOTIFY_INODE:
            return p.INODE_NOTICE.unpack_from(said, p.OUT_HEADER.size)[0], None
        assert code == p.NOTIFY_ENTRY
        directory, length, _ = p.ENTRY_NOTICE.unpack_from(said, p.OUT_HEADER.size)
        name = said[p.OUT_HEADER.size + p.ENTRY_NOTICE.size :]
        assert (len(name), name[-1]) == (length + 1, 0)
        return directory, name[:-1]


@pytest.fixture
def told() -> Iterator[Told]:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(10)
    channel = Channel(ours.detach())
    notices = Notices(channel)
    notices.start()
    yield Told(notices, theirs)
    assert notices.stop()
    channel.close()
    theirs.close()


def test_notices_are_told_in_their_order(told: Told) -> None:
    told.notices.add(5, b"name")
    told.notices.add(5)
    told.notices.add(6)
    assert [told.next() for _ in range(3)] == [(5, b"name"), (5, None), (6, None)]


def test_what_concerns_a_held_directory_waits_and_delays_nothing_else(told: Told) -> None:
    told.notices.hold((5, 7))
    told.notices.hold((5,))
    for notice in ((5, b"one"), (6, b"two"), (5, None), (7, b"three"), (8, None)):
        told.notices.add(*notice)
    assert [told.next() for _ in range(3)] == [(6, b"two"), (5, None), (8, None)]
    told.notices.let_go((5, 7))
    assert told.next() == (7, b"three")
    told.notices.let_go((5,))
    assert [told.next() for _ in range(2)] == [(5, b"one"), (5, None)]


def test_who_holds_no_directory_is_answered_after_what_the_kernel_had_to_be_told(told: Told) -> None:
    told.notices.hold((5,))
    told.notices.add(5, b"put off")
    told.notices.add(6)
    told.notices.reply_after(44, b"done")
    told.notices.add(7)
    assert told.next() == (6, None)
    said = told.line.recv(4096)
    assert (p.OUT_HEADER.unpack_from(said), said[p.OUT_HEADER.size :]) == ((20, 0, 44), b"done")
    assert told.next() == (7, None)


def test_at_the_end_answers_are_given_and_notices_are_not(told: Told) -> None:
    told.notices.stop()
    ending = Notices(told.notices._channel)
    ending.add(6)
    ending.reply_after(44, b"done")
    ending._ending = True
    ending.start()
    assert p.OUT_HEADER.unpack_from(told.line.recv(4096)) == (20, 0, 44)
    assert ending.stop()
