"""The arithmetic of votes: what each node has, what is expected, present and needed, and the flags that bend the rules.

`Votequorum` answers questions; `VotesTracker` says when it is worth asking again, for votes also change without any
change of ring (a node added to corosync.conf, an operator's `expected`, a QDevice).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from cluster.corosync.library import DISPATCH_ONE_NONBLOCKING, TRACK_CHANGES, ffi, library
from cluster.corosync.status import TRY_AGAIN, check
from cluster.errors import CorosyncError
from cluster.model import Quorum

LOCAL = 0  # asks for the node one is on
QDEVICE = 0  # beside the ids of nodes: the QDevice
_QUORATE = 2

# In the order and the words of corosync-quorumtool.
FLAGS = {
    1: "2Node",
    2: "Quorate",
    4: "WaitForAll",
    8: "LastManStanding",
    16: "AutoTieBreaker",
    32: "AllowDownscale",
    64: "Qdevice",
}


# How a node stands to a QDevice, in corosync-quorumtool's words: with the bit and without it.
_REGISTERED = 64
CASTS_VOTE = 256
_STANDING = ((128, "A", "NA"), (CASTS_VOTE, "V", "NV"), (512, "MW", "NMW"))


@dataclass(frozen=True, slots=True)
class VoteInfo:
    """What votequorum knows of one node, and of the whole as this node sees it."""

    node_id: int
    member: bool
    votes: int
    expected_votes: int
    highest_expected: int
    total_votes: int
    quorum: int
    flags: int
    qdevice_votes: int
    qdevice_name: str

    @property
    def quorate(self) -> bool:
        return bool(self.flags & _QUORATE)

    @property
    def flag_names(self) -> tuple[str, ...]:
        return tuple(name for bit, name in FLAGS.items() if self.flags & bit)

    @property
    def device(self) -> str:
        """Alive, casting its vote, master wins; or not registered."""
        if not self.flags & _REGISTERED:
            return "NR"
        return ",".join(yes if self.flags & bit else no for bit, yes, no in _STANDING)

    def as_quorum(self) -> Quorum:
        return Quorum(
            quorate=self.quorate,
            expected_votes=self.expected_votes,
            total_votes=self.total_votes,
            quorum=self.quorum,
            highest_expected=self.highest_expected,
            flags=self.flag_names,
        )


class Votequorum:
    """Every method waits for corosync and raises CorosyncError. May be used from several threads."""

    def __init__(self) -> None:
        self._ffi, self._lib = ffi(), library("votequorum")
        handle = self._ffi.new("votequorum_handle_t *")
        check("votequorum_initialize", self._lib.votequorum_initialize(handle, self._ffi.NULL))
        self._handle = handle[0]
        self._one_at_a_time = threading.Lock()  # questions and answers share one connection

    def close(self) -> None:
        """Never raises."""
        with self._one_at_a_time:
            self._lib.votequorum_finalize(self._handle)

    def info(self, node_id: int = LOCAL) -> VoteInfo:
        """What is known of a node; CS_ERR_NOT_EXIST for one that was never seen."""
        raw = self._ffi.new("struct votequorum_info *")
        with self._one_at_a_time:
            check("votequorum_getinfo", self._lib.votequorum_getinfo(self._handle, node_id, raw))
        return VoteInfo(
            node_id=raw.node_id,
            member=raw.node_state == 1,
            votes=raw.node_votes,
            expected_votes=raw.node_expected_votes,
            highest_expected=raw.highest_expected,
            total_votes=raw.total_votes,
            quorum=raw.quorum,
            flags=raw.flags,
            qdevice_votes=raw.qdevice_votes,
            qdevice_name=self._ffi.string(raw.qdevice_name).decode(errors="replace"),
        )

    def infos(self, node_ids: tuple[int, ...]) -> dict[int, VoteInfo]:
        """What is known of each node; one that votequorum has not met is left out."""
        found = {}
        for node_id in node_ids:
            try:
                found[node_id] = self.info(node_id)
            except CorosyncError as error:
                if error.status != "CS_ERR_NOT_EXIST":
                    raise
        return found

    def set_expected(self, votes: int) -> None:
        """What `pvecm expected` does: until the next restart or reload, expect only so many votes."""
        with self._one_at_a_time:
            check("votequorum_setexpected", self._lib.votequorum_setexpected(self._handle, votes))


class VotesTracker:
    """Tells only *that* something about votes changed: nodes, expected votes, a QDevice. `info` says what it is now."""

    def __init__(self) -> None:
        """Connect and ask for notices; waits for corosync. Raises CorosyncError."""
        self._ffi, self._lib = ffi(), library("votequorum")
        handle = self._ffi.new("votequorum_handle_t *")
        check("votequorum_initialize", self._lib.votequorum_initialize(handle, self._ffi.NULL))
        self._handle = handle[0]
        try:
            check("votequorum_trackstart", self._lib.votequorum_trackstart(self._handle, 0, TRACK_CHANGES))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Never raises; waits for corosync."""
        self._lib.votequorum_finalize(self._handle)

    def fd(self) -> int:
        fd = self._ffi.new("int *")
        check("votequorum_fd_get", self._lib.votequorum_fd_get(self._handle, fd))
        return int(fd[0])

    def dispatch(self, notices_max: int) -> int:
        """How many notices came in; waits for nothing. Raises CorosyncError when the connection is dead."""
        for count in range(notices_max):
            code = self._lib.votequorum_dispatch(self._handle, DISPATCH_ONE_NONBLOCKING)
            if code == TRY_AGAIN:
                return count
            check("votequorum_dispatch", code)
        return notices_max
