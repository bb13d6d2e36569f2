"""Quorum as libquorum tells it: quorate or not, in which ring, with which nodes.

Notices only: how many votes that is, and how many are needed, is `votequorum.py`. As in `cpg.py`, C only copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.corosync.library import DISPATCH_ONE_NONBLOCKING, TRACK_CHANGES, TRACK_CURRENT, ffi, library
from cluster.corosync.status import OK, TRY_AGAIN, check
from cluster.errors import Unavailable
from cluster.model import RingId

_MODEL_V1, _QUORUM_SET = 1, 1


@dataclass(frozen=True, slots=True)
class QuorumNotice:
    """Whether this node's part of the cluster is quorate, in this ring, with these nodes."""

    quorate: bool
    ring: RingId
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NodelistNotice:
    """The nodes of a new ring. Quorum in it is not decided yet: a `QuorumNotice` follows."""

    ring: RingId
    nodes: tuple[int, ...]


class QuorumTracker:
    def __init__(self) -> None:
        """Connect and ask for notices, the present state first; waits for corosync. Raises CorosyncError, and
        Unavailable when corosync is configured without a quorum provider."""
        self._ffi, self._lib = ffi(), library("quorum")
        self._inbox: list[QuorumNotice | NodelistNotice] = []
        self._callbacks = (
            self._ffi.callback("quorum_v1_quorum_notification_fn_t", self._on_quorum),
            self._ffi.callback("quorum_v1_nodelist_notification_fn_t", self._on_nodelist),
        )
        model = self._ffi.new("quorum_model_v1_data_t *", (_MODEL_V1, *self._callbacks))
        handle, kind = self._ffi.new("quorum_handle_t *"), self._ffi.new("uint32_t *")
        code = self._lib.quorum_model_initialize(handle, _MODEL_V1, model, kind, self._ffi.NULL)
        check("quorum_model_initialize", code)
        self._handle = handle[0]
        try:
            if kind[0] != _QUORUM_SET:
                raise Unavailable("corosync runs without a quorum provider; set quorum.provider to corosync_votequorum")
            flags = TRACK_CURRENT | TRACK_CHANGES
            check("quorum_trackstart", self._lib.quorum_trackstart(self._handle, flags))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; waits for corosync. Never raises."""
        self._lib.quorum_finalize(self._handle)

    def fd(self) -> int:
        fd = self._ffi.new("int *")
        check("quorum_fd_get", self._lib.quorum_fd_get(self._handle, fd))
        return int(fd[0])

    def dispatch(self, events_max: int) -> list[QuorumNotice | NodelistNotice]:
        """What came in; waits for nothing. Raises CorosyncError when the connection is dead."""
        for _ in range(events_max):
            code = self._lib.quorum_dispatch(self._handle, DISPATCH_ONE_NONBLOCKING)
            if code == TRY_AGAIN:
                break
            if code != OK:
                if self._inbox:
                    break
                check("quorum_dispatch", code)
        events, self._inbox = self._inbox, []
        return events

    # --- called by C, inside dispatch ---------------------------------------------------------------------------------

    def _on_quorum(self, _handle: int, quorate: int, ring: Any, n_members: int, members: Any) -> None:
        nodes = tuple(sorted(members[i] for i in range(n_members)))
        self._inbox.append(QuorumNotice(bool(quorate), RingId(ring.seq, ring.nodeid), nodes))

    def _on_nodelist(self, _handle: int, ring: Any, n_members: int, members: Any, *_joined_and_left: Any) -> None:
        nodes = tuple(sorted(members[i] for i in range(n_members)))
        self._inbox.append(NodelistNotice(RingId(ring.seq, ring.nodeid), nodes))
