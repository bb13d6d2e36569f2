"""What a file system call answers when something is wrong, and names as the kernel spells them."""

from __future__ import annotations

import errno

import pyfuse3

from cluster.core.entry import NAME_BYTES_MAX
from cluster.errors import Busy, NoQuorum, QuireError, StoreRefusal


def failure(number: int) -> pyfuse3.FUSEError:
    return pyfuse3.FUSEError(number)


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
    """A name of one component. Raises FUSEError for one that can be in no store."""
    if len(name) > NAME_BYTES_MAX:
        raise failure(errno.ENAMETOOLONG)
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise failure(errno.EILSEQ) from None
