"""What a file system call answers: at once, later, or with an error, and names as the kernel spells them."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cluster.core.entry import NAME_BYTES_MAX
from cluster.errors import Busy, NoQuorum, QuireError, StoreRefusal

T = TypeVar("T")
U = TypeVar("U")


class Failure(Exception):
    """The answer is an error number."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode.get(number, number))
        self.errno = number


@dataclass(frozen=True, slots=True)
class Later(Generic[T]):
    """An answer that needs the daemon's event loop: `work` is done there first, then `then` gives the answer.

    `holds` are the directories that the kernel keeps locked for the asker until it is answered.
    """

    work: Callable[[], Awaitable[Any]]
    then: Callable[[Any], T | Later[T]]
    holds: tuple[int, ...] = ()


def after(answer: T | Later[T], turn: Callable[[T], U | Later[U]]) -> U | Later[U]:
    """What `turn` makes of an answer, once it is there."""
    if isinstance(answer, Later):
        return Later(answer.work, lambda told: after(answer.then(told), turn), answer.holds)
    return turn(answer)


def errno_of(error: QuireError) -> int:
    """What an error of the store is to a program. EIO says that nobody knows whether it happened."""
    if isinstance(error, StoreRefusal):
        return error.errno
    if isinstance(error, NoQuorum):
        return errno.EACCES
    if isinstance(error, Busy):
        return errno.EBUSY
    return errno.EIO


def text_of(name: bytes) -> str:
    """A name of one component. Raises Failure for one that can be in no store."""
    if len(name) > NAME_BYTES_MAX:
        raise Failure(errno.ENAMETOOLONG)
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise Failure(errno.EILSEQ) from None
