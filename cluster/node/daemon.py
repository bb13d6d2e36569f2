"""The daemon of one node: makes its parts, connects them, starts and stops them in order. The composition root.

Nothing is decided here. The way of a write: `handlers/store.py` → `driver.py` → `core/replica.py` → `driver.py` →
engine and disk. The way of a join: `handlers/configuration.py` → `workflows.py` → `workflow/join.py` → `host.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from cluster import version
from cluster.control.server import ControlServer
from cluster.core.effects import Committed
from cluster.core.membership import Membership, View
from cluster.corosync import conf
from cluster.engine.base import Delivered, Engine, EngineEvent, EngineLost, GroupChanged, QuorumChanged
from cluster.errors import QuireError
from cluster.model import Change, TaskState
from cluster.node import catchup, driver, handlers, interpreter, naming, state_folder, task_board
from cluster.node.access.assembly import Access
from cluster.node.access.keys import Keys
from cluster.node.access.tickets import FormerKeys
from cluster.node.alerting import Alerting
from cluster.node.archive import Archive
from cluster.node.background import Background
from cluster.node.board import Board
from cluster.node.board_messages import GROUP, Announcement, Trouble, encode
from cluster.node.cluster_log import ClusterLog
from cluster.node.connection import Service
from cluster.node.departures import Departures
from cluster.node.expected import Expected
from cluster.node.flight import Flight
from cluster.node.host import NodeHost
from cluster.node.life import Life
from cluster.node.link_changes import LinkChanges
from cluster.node.link_past import LinkPast
from cluster.node.link_watch import LinkWatch
from cluster.node.mount_door import MountDoor
from cluster.node.options import Options
from cluster.node.own_files import OwnFiles
from cluster.node.publisher import Publisher
from cluster.node.removed import Removed
from cluster.node.sampling import Sampling
from cluster.node.saying import Saying
from cluster.node.showing import Showing
from cluster.node.simulation.world import World
from cluster.node.state import Self, cluster_state
from cluster.node.status_keys import StatusKeys
from cluster.node.store_health import StoreHealth
from cluster.node.tasks import TaskLines, TaskRunner
from cluster.node.tls import ServedCertificate
from cluster.node.trends import TrendBoard
from cluster.node.underlay import make_underlay
from cluster.node.witness import Witness
from cluster.node.workflows import Workflows
from cluster.store.mount import Mount

STOP_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)

__all__ = ["Daemon", "Options"]


class Daemon:
    """One node. `start`, then `wait` until it should end, then `stop`."""

    def __init__(self, given: Options) -> None:
        self.options = options = naming.lasting(given)
        self.publisher, self.showing = Publisher(time.time), Showing(self._show)
        self.membership, self.say = Membership(), Saying(self._multicast).say
        self.view: View | None = None
        self.cluster_log = ClusterLog(options.name, time.time, self.say, lambda: self.publisher.publish("log", {}))
        self.status_keys = StatusKeys(lambda: self.life.replica.node_id, time.time, self.say)
        self.board = Board(time.time, self.showing.soon, self._someone_new, self.cluster_log.hear)
        self.board.measured, self.board.key_set = self.showing.before_long, self.status_keys.hear
        self.board.greetings.append(self.status_keys.share)
        self.archive = Archive(options.state_dir / "archive", self.name_of, time.time)
        self.trends, self.link_past = TrendBoard(self.archive, time.time), LinkPast(time.time)
        self.board.sampled, self.board.linked = self.archive.hear, self.link_past.hear
        self.flight, self.alerting = Flight(self), Alerting(self)
        self.served = ServedCertificate(options.tls_dir, lambda _: self._announce(), options.web_user)
        self.former = FormerKeys(time.time)
        self.underlay = make_underlay(options, lambda: (self.life.disk, self.life.replica.machine))
        self.life = Life(
            options.store, self._make_engine, self._make_histories, self._contact, self._committed, self._phase_changed,
            self._hear,
        )  # fmt: skip
        self.naming = naming.Naming(self, given.name)
        self.keys = Keys(lambda: self.life.tree, options.authkey)
        self.files = OwnFiles(options, self.life, self.served, lambda: self.workflows.busy, self.naming.pending)
        self.host = NodeHost(
            options, self.life, self.board, self.underlay, self.former, self.keys.tickets,
            lambda: self.files.serve_renewed_certificate(), self.cluster_log.write, lambda: self.removed.homecoming,
        )  # fmt: skip
        self.removed = Removed(options, self.life, lambda: self.workflows.busy, self.naming.pending, self._hear)
        self.link_changes, self.expected, self.witness = LinkChanges(self), Expected(self), Witness(self)
        self.links = LinkWatch(options.name, self.life, self.document, self.say)
        self.health = StoreHealth(
            self.life, self.board, options.scrub_every_s, lambda: self.workflows.busy,
            lambda said: self.say(encode(said)), self._in_trouble,
        )  # fmt: skip
        self.door = MountDoor(
            options.name, self.life, self.status_keys, lambda: self.publisher.state, self.cluster_log.rows
        )
        self.mount = Mount(self.door, options.mount) if options.mount is not None else None
        self.background = Background()
        self._closers: list[Callable[[], Awaitable[None]]] = []

    # --- beginning and end ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Raises QuireError with what is wrong: another daemon runs here, the store is damaged …"""
        interpreter.prepare()
        self._claim = state_folder.claim(self.options)
        self.access = Access(self.options, self.life, self.keys, self.say)
        self.board.failed_sign_in = self.access.hear_failure
        self.tasks = TaskRunner(self.options.state_dir / "tasks", self.options.name, time.time)
        self.tasks.subscribe(self._task_changed)
        self.task_board = task_board.of_daemon(self)
        self.workflows = Workflows(self.options, self.host, self.tasks)
        if isinstance(self.underlay, World):
            self._closers.append(self.underlay.end)
            self.background.run(self.underlay.fill(self.archive))
        self._closers.append(self.life.close)
        await self.workflows.take_back()
        if not self.life.is_open:
            self.life.open()
        await self.removed.homecoming.first_look()
        if not self.removed.sentence and not self.life.connection.connected:
            await self.life.begin()
        self.served.open_to_web()
        self.files.serve_stored_certificate()
        self._show()
        self.cluster_log.write("this node has started")
        await self._mount()
        self._closers += [
            self.archive.close, self.flight.begin(), self.access.sessions.close, self._stop_parts,
            lambda: self.tasks.close(STOP_TIMEOUT_S),
        ]  # fmt: skip
        departing = Departures(self.options.name, self.life, self.document, self.host)
        read = self.underlay.sample if isinstance(self.underlay, World) else None
        sampling = Sampling(lambda said: self.say(encode(said)), lambda: self.flight.recorder.newest, read)
        parts = (
            sampling, self.flight, self.alerting, self.links, self.archive, self.files, self.workflows, self.removed,
            departing, self.life, self.health, self.access, self.link_changes, self.expected, self.witness, self.naming,
        )  # fmt: skip
        for part in (*parts, interpreter):
            self.background.run(part.watch())
        web, streams = self.options.web_user, handlers.streams(self)
        admitted, group_id = ((), None) if web is None else ((web.user_id,), web.group_id)
        table, admit = handlers.table(self), self.access.callers.admit
        self.control = ControlServer(self.options.socket, table, streams, admitted, group_id=group_id, admit=admit)
        await self.control.start()
        self._closers.append(self.control.stop)

    async def wait(self) -> None:
        """Returns when the daemon wants to end."""
        await self.background.ended.wait()

    async def stop(self) -> None:
        """Finish or undo what is under way, leave the groups; corosync runs on. Also after a `start` that failed."""
        while self._closers:
            await self._closers.pop()()
        self.background.ended.set()

    async def _stop_parts(self) -> None:
        await self.background.stop()
        self.served.stop()

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        return self.publisher.subscribe(callback)

    # --- what the parts ask of each other ---------------------------------------------------------------------------

    def document(self) -> conf.Document | None:
        """The committed corosync.conf; None on a stand-alone node."""
        return self.life.document()

    def name_of(self, node_id: int) -> str | None:
        nodes = self.publisher.state.nodes if self.publisher.state is not None else ()
        return next((node.name for node in nodes if node.node_id == node_id), None)

    def _make_engine(self, node_id: int) -> tuple[Engine, Service]:
        return self.underlay.engine(node_id), self.underlay

    def _make_histories(self, node_id: int) -> driver.Histories:
        if isinstance(self.underlay, World):
            return self.underlay
        return catchup.PeerHistories(node_id, self.keys.corosync, self._newest_contact)

    def _contact(self) -> str:
        return catchup.contact_of(self.options.address, self.options.port, self.served.fingerprint)

    def _newest_contact(self, node_id: int) -> str:
        said = self.board.card(node_id).announcement
        return catchup.contact_of(said.address, said.port, said.fingerprint) if said is not None else ""

    # --- what happens -----------------------------------------------------------------------------------------------

    def _hear(self, event: EngineEvent) -> None:
        if isinstance(event, QuorumChanged):
            self.view = self.membership.quorum_changed(event.ring, event.nodes, event.quorum)
        elif isinstance(event, EngineLost):
            self.view = self.membership.engine_lost()
            self.board.lost()
        elif event.group == GROUP:
            self.board.hear(event)
        elif isinstance(event, GroupChanged):
            self.view = self.membership.group_changed(event.ring, event.members)
        if not isinstance(event, Delivered):
            self.showing.soon()

    def _committed(self, changes: tuple[Committed, ...], whole: bool) -> None:
        if self.files.committed(changes, whole) and (document := self.document()) is not None:
            for said in (self.board, self.status_keys, self.link_past):
                said.forget(frozenset(node.node_id for node in document.nodes()))
        self.health.committed(changes, whole)
        self.door.committed(changes, whole)
        self.flight.committed(changes)
        if self.mount is not None:
            self.mount.committed(changes, whole)
        self.showing.before_long()

    def _phase_changed(self) -> None:
        log.info("The store is %s. %s", self.life.replica.phase.value, self.life.replica.reason)
        if self.health.phase_changed() and self.mount is not None:
            self.mount.writable_changed()
        self.showing.soon()

    async def _mount(self) -> None:
        """Where FUSE is not to be had the node works without, and says so."""
        if self.mount is not None:
            try:
                await self.mount.start()
                self._closers.append(self.mount.stop)
            except QuireError as error:
                log.warning("%s The node goes on without it.", error.message)
                self.mount = None

    def _task_changed(self, what: TaskState | TaskLines) -> None:
        if isinstance(what, TaskState):
            self.cluster_log.note(what)
            self.flight.task(what)
            self.alerting.task(what)
        self.publisher.publish("task" if isinstance(what, TaskState) else "tasklog", what)

    # --- the status group and the pages -----------------------------------------------------------------------------

    def _someone_new(self) -> None:
        self._announce()
        self.cluster_log.share(self.life.replica.node_id, self.board.members_before, self.board.members)

    def _in_trouble(self, trouble: str) -> None:
        self.cluster_log.write(trouble or "this node's store is well again")
        self._announce()
        self.showing.soon()

    def _announce(self) -> None:
        served = self.served.fingerprint
        if self.life.is_open:
            self.life.replica.contact = self._contact()
        if served:
            said = Announcement(
                self.options.name, self.options.address, self.options.port, served, version.VERSION, self.served.ends_s
            )
            self.say(encode(said))
            self.say(encode(Trouble(self.health.trouble)))

    def _multicast(self, payload: bytes) -> None:
        """To the status group, from the moment this node is in it: who it is, it says before it is in the other one."""
        if self.life.is_open:
            self.life.connection.engine.multicast(GROUP, payload)

    def _show(self, at_s: float | None = None) -> None:
        """`at_s` is when what is shown happened."""
        if not self.life.is_open:
            return
        own, replica = self.options, self.life.replica
        me = Self(
            own.name, replica.node_id, own.address, self.served.fingerprint, self.health.trouble, version.VERSION,
            self.served.ends_s,
        )  # fmt: skip
        problem = self.removed.sentence or self.life.connection.problem or self.removed.homecoming.strangers
        state = cluster_state(me, own.engine, self.document(), self.view, self.board, replica, problem, self.trends.of)
        state = replace(
            state, link_trial=self.link_changes.shown(), lowered=self.expected.lowered, alerts=self.alerting.current
        )
        state = replace(state, witness=self.witness.shown(state))
        self.door.shown(state)
        self.flight.shown(state)
        self.publisher.show(state, at_s)
