"""Whole numbers out of corosync's map of statistics (`stats.knet.` …), for whoever asks again and again.

While corosync synchronises, or its queue is full, a question that libcmap has sent waits unread, and until it may read
it corosync turns in a busy loop: on every node of a large cluster at once, just when all should agree on who is there.
So this asks over a connection of its own, through libqb, which then refuses before anything is sent. What is asked
once is asked with `cmap.py`.
"""

from __future__ import annotations

import errno
from struct import Struct

from cluster.corosync.cmap import KEY_MAX, NO_NUMBER, NUMBER_BYTES_MAX, Map, whole_number
from cluster.corosync.library import ffi, library
from cluster.corosync.status import check
from cluster.errors import CorosyncError

WITHOUT_END_MS = -1  # as corosync's own libraries wait: see `bounded.py`
REFUSE_IN_ANY_CASE = 2  # qb_ipcc_fc_enable_max_set: libcmap leaves it at 1, and corosync says 2
MESSAGE_BYTES = 8192
GET, SET_CURRENT_MAP = 2, 9

# What libcmap sends and corosync answers, `ipc_cmap.h` of corosync 3: each field on a multiple of eight bytes.
GET_QUESTION = Struct("@i4xi4xH6x256sQ")  # what, bytes in all, length of the key, key, room for the value
MAP_QUESTION = Struct("@i4xi4xi4x")  # what, bytes in all, map
ANSWER = Struct("@i4xi4xi4x")  # what, bytes in all, cs_error_t
VALUE = Struct("@QB7x8s")  # its length, type, value


class Statistics:
    """One question at a time; waits for corosync. After any error but CS_ERR_TRY_AGAIN it is of no more use."""

    def __init__(self) -> None:
        """Connect. Raises CorosyncError."""
        self._ffi, self._lib = ffi(), library("qb")
        self._room = self._ffi.new("char[]", ANSWER.size + VALUE.size)
        self._connection = self._lib.qb_ipcc_connect(b"cmap", MESSAGE_BYTES)
        if self._connection == self._ffi.NULL:
            raise _failed("qb_ipcc_connect", self._ffi.errno)
        self._lib.qb_ipcc_fc_enable_max_set(self._connection, REFUSE_IN_ANY_CASE)
        try:
            chosen = self._ask(MAP_QUESTION.pack(SET_CURRENT_MAP, MAP_QUESTION.size, Map.STATISTICS))
            check("cmap_initialize_map", chosen)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Never raises."""
        self._lib.qb_ipcc_disconnect(self._connection)

    def refuse_if_busy(self) -> None:
        """Before a question that would wait in corosync while it takes none. Raises CorosyncError, as `number`."""
        self.number("stats.pg.msg_queue_avail")

    def number(self, key: str) -> int | None:
        """None when there is no such key, or it holds no whole number. Raises CorosyncError: with CS_ERR_TRY_AGAIN
        while corosync takes no questions."""
        name = key.encode()
        if len(name) > KEY_MAX:
            return None
        code = self._ask(GET_QUESTION.pack(GET, GET_QUESTION.size, len(name), name, NUMBER_BYTES_MAX))
        if code in NO_NUMBER:
            return None
        check("cmap_get", code)
        _, kind, value = VALUE.unpack_from(self._ffi.buffer(self._room), ANSWER.size)
        return whole_number(kind, value)

    def _ask(self, question: bytes) -> int:
        """What corosync answers, a cs_error_t; what comes with it is in the room."""
        sent = self._ffi.from_buffer(question)
        part = self._ffi.new("struct iovec *", (sent, len(question)))
        came = self._lib.qb_ipcc_sendv_recv(self._connection, part, 1, self._room, len(self._room), WITHOUT_END_MS)
        if came < 0:
            raise _failed("qb_ipcc_sendv_recv", -came)
        return int(ANSWER.unpack_from(self._ffi.buffer(self._room))[2])


def _failed(call: str, error: int) -> CorosyncError:
    """As corosync's own libraries name what libqb tells them."""
    return CorosyncError(call, "CS_ERR_TRY_AGAIN" if error == errno.EAGAIN else "CS_ERR_LIBRARY")
