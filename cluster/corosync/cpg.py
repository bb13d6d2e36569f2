"""A closed process group of corosync: join, multicast, and a list of what came in.

One handle holds one group, as corosync itself has it. C calls back into functions that only copy what they are given
into a list; `dispatch` hands that list out, so that no Python code of a caller runs inside C, where its exceptions
would vanish. Calls that wait for corosync's answer say so; run those through `bounded.py`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from cluster.corosync.library import DISPATCH_ONE_NONBLOCKING, ffi, library
from cluster.corosync.status import OK, TRY_AGAIN, check
from cluster.errors import InvalidInput
from cluster.model import Member, RingId

NAME_MAX = 128  # bytes of a group's name
_MODEL_V1, _DELIVER_INITIAL_TOTEM_CONF, _AGREED = 1, 0x01, 2


class Reason(enum.IntEnum):
    """Why a process joined or left, as corosync tells (cpg.h)."""

    UNDEFINED = 0
    JOIN = 1
    LEAVE = 2
    NODEDOWN = 3
    NODEUP = 4
    PROCDOWN = 5


@dataclass(frozen=True, slots=True)
class Message:
    sender: Member
    payload: bytes


@dataclass(frozen=True, slots=True)
class Membership:
    """The group's members from here on, sorted. `with_ring` is True when a change of the ring caused it."""

    members: tuple[Member, ...]
    with_ring: bool


@dataclass(frozen=True, slots=True)
class Ring:
    """The ring from here on. Comes after the memberships that it caused."""

    ring: RingId
    nodes: tuple[int, ...]


CpgEvent = Message | Membership | Ring


class Cpg:
    def __init__(self) -> None:
        """Connect; waits for corosync. Raises CorosyncError."""
        self._ffi, self._lib = ffi(), library("cpg")
        self._inbox: list[CpgEvent] = []
        # These objects must live as long as the handle: C holds only their addresses.
        self._callbacks = (
            self._ffi.callback("cpg_deliver_fn_t", self._on_message),
            self._ffi.callback("cpg_confchg_fn_t", self._on_membership),
            self._ffi.callback("cpg_totem_confchg_fn_t", self._on_ring),
        )
        model = self._ffi.new("cpg_model_v1_data_t *", (_MODEL_V1, *self._callbacks, _DELIVER_INITIAL_TOTEM_CONF))
        handle = self._ffi.new("cpg_handle_t *")
        check("cpg_model_initialize", self._lib.cpg_model_initialize(handle, _MODEL_V1, model, self._ffi.NULL))
        self._handle = handle[0]
        self._iovec = self._ffi.new("struct iovec *")

    def close(self) -> None:
        """Disconnect, leaving the group if need be; waits for corosync. Never raises."""
        self._lib.cpg_finalize(self._handle)

    def fd(self) -> int:
        """The descriptor that is readable when there is something to dispatch."""
        fd = self._ffi.new("int *")
        check("cpg_fd_get", self._lib.cpg_fd_get(self._handle, fd))
        return int(fd[0])

    def local_node_id(self) -> int:
        """This node's id; waits for corosync."""
        node_id = self._ffi.new("unsigned int *")
        check("cpg_local_get", self._lib.cpg_local_get(self._handle, node_id))
        return int(node_id[0])

    def message_size_max(self) -> int:
        """The largest message that corosync carries in one piece."""
        size = self._ffi.new("uint32_t *")
        check("cpg_max_atomic_msgsize_get", self._lib.cpg_max_atomic_msgsize_get(self._handle, size))
        return int(size[0])

    def join(self, group: str) -> None:
        """Ask to join; the membership follows. Waits for corosync, and may have to be asked again."""
        check("cpg_join", self._lib.cpg_join(self._handle, self._name(group)))

    def leave(self, group: str) -> None:
        """Ask to leave. Waits for corosync."""
        check("cpg_leave", self._lib.cpg_leave(self._handle, self._name(group)))

    def multicast(self, payload: bytes) -> bool:
        """Send to the joined group without waiting; False when corosync takes no more just now."""
        buffer = self._ffi.from_buffer(payload)
        self._iovec.iov_base, self._iovec.iov_len = buffer, len(payload)
        code = self._lib.cpg_mcast_joined(self._handle, _AGREED, self._iovec, 1)
        if code == TRY_AGAIN:
            return False
        check("cpg_mcast_joined", code)
        return True

    def dispatch(self, events_max: int) -> list[CpgEvent]:
        """What came in, at most so many events; waits for nothing. Raises CorosyncError when the connection is dead."""
        dispatch, handle = self._lib.cpg_dispatch, self._handle
        for _ in range(events_max):
            code = dispatch(handle, DISPATCH_ONE_NONBLOCKING)
            if code == TRY_AGAIN:
                break
            if code != OK:
                # What was read before the connection died still counts; the next call tells of the death again.
                if self._inbox:
                    break
                check("cpg_dispatch", code)
        events, self._inbox = self._inbox, []
        return events

    def _name(self, group: str) -> Any:
        encoded = group.encode()
        if not 0 < len(encoded) <= NAME_MAX:
            raise InvalidInput(f"a group's name has 1 to {NAME_MAX} bytes, not {len(encoded)}")
        return self._ffi.new("struct cpg_name *", (len(encoded), encoded))

    # --- called by C, inside dispatch ---------------------------------------------------------------------------------

    def _on_message(self, _handle: int, _group: Any, node_id: int, pid: int, message: Any, length: int) -> None:
        self._inbox.append(Message(Member(node_id, pid), bytes(self._ffi.buffer(message, length))))

    def _on_membership(
        self,
        _handle: int,
        _group: Any,
        members: Any,
        n_members: int,
        left: Any,
        n_left: int,
        joined: Any,
        n_joined: int,
    ) -> None:
        now = sorted(Member(members[i].nodeid, members[i].pid) for i in range(n_members))
        reasons = {left[i].reason for i in range(n_left)} | {joined[i].reason for i in range(n_joined)}
        self._inbox.append(Membership(tuple(now), bool(reasons & {Reason.NODEDOWN, Reason.NODEUP})))

    def _on_ring(self, _handle: int, ring: Any, n_members: int, members: Any) -> None:
        nodes = sorted(members[i] for i in range(n_members))
        self._inbox.append(Ring(RingId(ring.seq, ring.nodeid), tuple(nodes)))
