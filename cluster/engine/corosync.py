"""The real engine: corosync's libcpg, libquorum and libvotequorum on the event loop.

A process holds one CPG handle per group (`corosync_group.py` has the order in which memberships and rings come), one
libquorum handle for rings and quorum, one libvotequorum handle for changes of votes. When any of them dies, corosync
is gone: all are dropped, `EngineLost` is told once, and a fresh `start` makes a new incarnation. Calls that wait for
corosync's answer run in threads with a bound; only sending and dispatching, which do not wait, run on the loop.

Quorum, as corosync 3.1.7 tells it: at a change of ring first the new nodes, while votes are still counted for the old
ring, then the quorum notice, by which time votequorum's figures are right. So figures are asked for after the notice,
and asked again when a newer one has come meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from cluster.corosync.bounded import STUCK_MAX_FOR_POLLS, bounded
from cluster.corosync.cfg import Cfg
from cluster.corosync.cpg import Cpg
from cluster.corosync.quorum import QuorumNotice
from cluster.corosync.status import is_lost, is_refused, is_try_again
from cluster.engine.base import EngineEvent, EngineLost, EngineStatus, Measured, QuorumChanged
from cluster.engine.corosync_connection import Connection, Handle, close_all, close_apart, close_in_time
from cluster.engine.corosync_group import Group
from cluster.engine.corosync_links import LinkCounter
from cluster.engine.corosync_status import read_config_version, read_status
from cluster.errors import CorosyncError, Unavailable
from cluster.model import Member

CONNECT_TIMEOUT_S, CALL_TIMEOUT_S = 30.0, 10.0
STATUS_TIMEOUT_S, MEASURE_TIMEOUT_S = 1.0, 3.0  # the latter is hundreds of questions, with many nodes
RETRY_S, RECOUNT_S = 0.05, 1.0
NOTICES_PER_TURN = 64

T = TypeVar("T")
log = logging.getLogger(__name__)


class CorosyncEngine:
    """`cluster/engine/base.py`'s Engine on the corosync of this node, which must run or be about to."""

    name = "corosync"

    def __init__(self, connect_timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._on_event: Callable[[EngineEvent], None] | None = None
        self._connection: Connection | None = None
        self._fds: list[int] = []
        self._groups: dict[str, Group] = {}
        self._counters: list[LinkCounter] = []  # one, while nobody uses it
        self._notice: QuorumNotice | None = None  # None also while a new ring's quorum is undecided
        self._asked = 0  # counts what made the votes worth asking for
        self._asking: asyncio.Task[None] | None = None
        self._told: QuorumChanged | None = None
        self._recount: asyncio.TimerHandle | None = None

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        await self.stop()
        connection = await self._answered(Connection.open, "connecting to corosync", Connection.close)
        self._connection, self._on_event = connection, on_event
        self._listen(connection.quorum.fd(), self._quorum_readable)
        self._listen(connection.votes.fd(), self._votes_readable)
        self._count_again()

    async def stop(self) -> None:
        handles = self._detach()
        if handles:
            await close_in_time(lambda: close_all(handles), "disconnecting from corosync")

    async def join(self, group: str) -> None:
        if group in self._groups:
            return
        connection = self._connection
        if connection is None:
            raise Unavailable(f"group {group} cannot be joined: the engine is not connected to corosync")
        what = f"joining group {group}"
        cpg = await self._answered(Cpg, what, Cpg.close)
        try:
            await self._answered(lambda: cpg.join(group), what)
            if self._connection is not connection:
                raise Unavailable(f"corosync was lost while group {group} was joined")
        except BaseException:
            close_apart([cpg])
            raise
        me = Member(connection.node_id, os.getpid())
        self._groups[group] = Group(group, cpg, me, self._emit, self._lose)

    async def leave(self, group: str) -> None:
        left = self._groups.pop(group, None)
        if left is None:
            return
        cpg = left.detach()

        def leave_and_close() -> None:
            with contextlib.suppress(CorosyncError):
                cpg.leave(group)
            cpg.close()

        await close_in_time(leave_and_close, f"leaving group {group}")

    def multicast(self, group: str, payload: bytes) -> None:
        joined = self._groups.get(group)
        if joined is None:
            raise Unavailable(f"nothing can be sent to group {group}: this node is not a member of it now")
        joined.multicast(payload)

    async def reload(self) -> None:
        def reload() -> None:
            with contextlib.closing(Cfg()) as cfg:
                cfg.reload()

        await bounded(reload, CALL_TIMEOUT_S, "reloading corosync.conf")

    async def status(self) -> EngineStatus:
        try:
            return await polled(read_status, "asking corosync for its status", STATUS_TIMEOUT_S)
        except Unavailable as error:
            log.debug("No status: %s", error.message)
            return EngineStatus(running=False)

    async def config_version(self) -> int:
        try:
            return await polled(read_config_version, "asking corosync what it runs", STATUS_TIMEOUT_S)
        except Unavailable as error:
            log.debug("No version: %s", error.message)
            return 0

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured | None:
        connection = self._connection
        if connection is None:
            return Measured()
        try:
            counter, measured = await polled(
                lambda: self._count(wanted), "asking corosync about its links", MEASURE_TIMEOUT_S,
                lambda late: late[0].close(),
            )  # fmt: skip
        except (Unavailable, CorosyncError) as error:
            log.debug("Nothing measured: %s", error.message)
            return Measured()
        if self._connection is connection and not self._counters:
            self._counters.append(counter)
        else:
            close_apart([counter])
        return measured

    def _count(self, wanted: Collection[tuple[int, int]]) -> tuple[LinkCounter, Measured | None]:
        """In a thread, which has the counter for itself: one that does not answer is not used again."""
        try:
            counter = self._counters.pop()
        except IndexError:
            counter = LinkCounter()
        try:
            return counter, counter.read(wanted)
        except BaseException as error:
            if isinstance(error, CorosyncError) and is_refused(error):
                return counter, None
            counter.close()
            raise

    # --- connecting and losing ----------------------------------------------------------------------------------------

    async def _answered(self, call: Callable[[], T], what: str, discard: Callable[[T], None] | None = None) -> T:
        """The result of a call that corosync may refuse while it starts or synchronises: asked until it answers.

        A call with `discard` makes a connection, which is also worth trying again while nobody listens yet."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._connect_timeout_s
        while True:
            left_s = deadline_s - loop.time()
            try:
                return await bounded(call, max(left_s, RETRY_S), what, discard)
            except CorosyncError as error:
                again = is_try_again(error) or (discard is not None and is_lost(error))
                if not again or left_s <= RETRY_S:
                    raise Unavailable(f"{what} did not succeed: {error.message}") from error
            await asyncio.sleep(RETRY_S)

    def _listen(self, fd: int, readable: Callable[[], None]) -> None:
        self._fds.append(fd)
        asyncio.get_running_loop().add_reader(fd, readable)

    def _detach(self) -> list[Handle]:
        """Leave the loop at once and become a stopped engine; returns the handles, which are still to be closed."""
        connection, self._connection = self._connection, None
        groups, self._groups = self._groups, {}
        self._on_event = self._notice = self._told = None
        for waiting in (self._asking, self._recount):
            if waiting is not None:
                waiting.cancel()
        self._asking = self._recount = None
        handles: list[Handle] = [*(group.detach() for group in groups.values()), *self._counters]
        self._counters.clear()
        while self._fds:
            asyncio.get_running_loop().remove_reader(self._fds.pop())
        if connection is not None:
            handles.append(connection)
        return handles

    def _lose(self, error: Unavailable) -> None:
        """A handle is dead, so corosync is; whoever notices first tells."""
        on_event = self._on_event
        close_apart(self._detach())
        if on_event is not None:
            how = f"{error.call}: {error.status}" if isinstance(error, CorosyncError) else error.message
            on_event(EngineLost(f"The connection to corosync was lost ({how})."))

    def _emit(self, event: EngineEvent) -> None:
        """A listener that fails is reported and hears the next event all the same: it may not be skipped."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            context = {"message": f"A listener failed on {type(event).__name__}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    # --- quorum -------------------------------------------------------------------------------------------------------

    def _quorum_readable(self) -> None:
        assert self._connection is not None
        try:
            notices = self._connection.quorum.dispatch(NOTICES_PER_TURN)
        except CorosyncError as error:
            self._lose(error)
            return
        for notice in notices:
            if isinstance(notice, QuorumNotice):
                self._notice = notice
            elif self._notice is not None and notice.ring != self._notice.ring:
                self._notice = None
        self._ask_for_votes()

    def _votes_readable(self) -> None:
        assert self._connection is not None
        try:
            notices = self._connection.votes.dispatch(NOTICES_PER_TURN)
        except CorosyncError as error:
            self._lose(error)
            return
        if notices:
            self._ask_for_votes()

    def _count_again(self) -> None:
        """Of a QDevice's vote that is given or taken away corosync sends no notice."""
        self._recount = asyncio.get_running_loop().call_later(RECOUNT_S, self._count_again)
        if self._notice is not None:
            self._ask_for_votes()

    def _ask_for_votes(self) -> None:
        self._asked += 1
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._tell_quorum())

    async def _tell_quorum(self) -> None:
        """Ask votequorum, and tell what holds; once more when something happened meanwhile."""
        answered = 0
        while self._connection is not None and self._notice is not None and answered != self._asked:
            asked, notice, connection = self._asked, self._notice, self._connection
            try:
                info = await bounded(connection.count_votes, CALL_TIMEOUT_S, "counting votes")
            except Unavailable as error:
                if isinstance(error, CorosyncError) and is_try_again(error):
                    await asyncio.sleep(RETRY_S)
                    continue
                self._lose(error)
                return
            if asked == self._asked:
                answered = asked
                # Two sources, so that neither can open a door alone.
                quorum = replace(info.as_quorum(), quorate=notice.quorate and info.quorate)
                self._tell(QuorumChanged(notice.ring, notice.nodes, quorum))

    def _tell(self, changed: QuorumChanged) -> None:
        if changed != self._told:
            self._told = changed
            self._emit(changed)


async def polled(call: Callable[[], T], what: str, timeout_s: float, discard: Callable[[T], None] | None = None) -> T:
    return await bounded(call, timeout_s, what, discard, stuck_max=STUCK_MAX_FOR_POLLS)
