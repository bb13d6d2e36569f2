"""This node's part in the witness: does what the tree says, once a second, and tells the others how it stands.

The record in the tree and the device in corosync.conf say what shall be: certificates kept and corosync-qdevice
running, certificates kept and the device at rest, or neither. So a node that was away, or comes later, arrives at the
same as the others by itself. Setting up and taking away are tasks: `cluster/workflow/set_up_witness.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cluster.control.witness_requests import PlanWitness, RemoveWitness, SetUpWitness
from cluster.core.quorum import Options as QuorumOptions
from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of
from cluster.corosync.qdevice_service import QdeviceService
from cluster.engine.quorum_options import quorum_options, witness_of
from cluster.errors import Conflict, QuireError, Unavailable
from cluster.model import ClusterState, WitnessSeen, WitnessState
from cluster.node import qdevice
from cluster.node.board_messages import Witnessed, encode
from cluster.node.tasks import TaskContext
from cluster.node.witness_host import NodeWitnessHost
from cluster.workflow import witness_rule
from cluster.workflow.clock import SystemClock
from cluster.workflow.foretelling import Foretold
from cluster.workflow.journal import Journal
from cluster.workflow.set_up_witness import (
    foretell_removal,
    foretell_set_up,
    remove_witness,
    set_up_witness,
    undo_steps,
)
from cluster.workflow.steps import take_back
from cluster.workflow.witness_rule import WitnessRecord, read_invitation

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LOOK_EVERY_S = 1.0
TELL_EVERY_TURNS = 60
START_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
BUSY = "The witness is being set up or removed right now. Wait for that task to end."

log = logging.getLogger(__name__)


class Witness:
    """`host` is what the workflows ask."""

    def __init__(self, node: Daemon) -> None:
        self.host = NodeWitnessHost(node)
        self._node = node
        self._service = QdeviceService(node.options.configuration)
        self._journal = Journal(node.options.state_dir / "witness.json")
        self._seen, self._told = WitnessSeen(), WitnessSeen()
        self._starts, self._start_again_s = 0, 0.0
        self._task_runs = False
        node.board.greetings.append(self._tell)

    # --- asked by users ---------------------------------------------------------------------------------------------

    def set_up(self, request: SetUpWitness) -> str:
        """→ the task's UPID. Raises InvalidInput, Conflict, Busy."""
        read_invitation(request.invitation)
        if self._node.options.engine != "corosync":
            raise Conflict("A witness needs real corosync; this node runs another engine.")

        async def work(context: TaskContext) -> None:
            await set_up_witness(
                self.host, request.invitation, request.force, self._journal, context, SystemClock(), uuid.uuid4().hex
            )

        return self._begin("clusterwitness", request.user, work)

    def remove(self, request: RemoveWitness) -> str:
        """→ the task's UPID. Raises Conflict, Busy."""

        async def work(context: TaskContext) -> None:
            await remove_witness(self.host, self._journal, context, SystemClock())

        return self._begin("witnessremove", request.user, work)

    async def plan(self, request: PlanWitness) -> Foretold:
        """Raises InvalidInput."""
        if request.remove:
            return await foretell_removal(self.host, SystemClock(), request.user)
        return await foretell_set_up(self.host, request.invitation, request.force, SystemClock(), request.user)

    def _begin(self, type_: str, user: str, work: Callable[[TaskContext], Awaitable[None]]) -> str:
        if self._task_runs:
            raise Conflict(BUSY)

        async def alone(context: TaskContext) -> None:
            try:
                await work(context)
            finally:
                self._task_runs = False

        upid = self._node.tasks.start(type_, "", user, alone)
        self._task_runs = True
        return upid

    # --- what this node does ----------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """For ever."""
        turn = 0
        while True:
            turn += 1
            await self._conclude_interrupted()
            trouble = ""
            try:
                await self._keep()
            except QuireError as error:
                trouble = error.message
                if trouble != self._seen.trouble:
                    log.warning("The witness: %s", trouble)
            self._seen = await self._look(trouble)
            if self._seen != self._told or turn % TELL_EVERY_TURNS == 0:
                self._tell()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _keep(self) -> None:
        """Be as the tree says. Raises Unavailable."""
        life, service = self._node.life, self._service
        if not life.is_open or self._node.options.engine != "corosync" or life.replica.blank:
            return
        record, document = self._record(), self._node.document()
        if record is None or document is None or document.node(self._node.options.name) is None:
            if service.mark:
                await service.stop()
                service.remove()
            return
        if service.mark != record.id:
            await service.stop()
            await service.install(record.id, record.ca, record.bundle)
        if device_of(document) is None or not life.connection.connected:
            self._starts = 0
            if device_of(document) is None and service.is_running():
                await service.stop()
        elif not service.is_running() and time.monotonic() >= self._start_again_s:
            self._start_again_s = time.monotonic() + START_AGAIN_S[min(self._starts, len(START_AGAIN_S) - 1)]
            self._starts += 1
            await service.start()

    async def _look(self, trouble: str) -> WitnessSeen:
        before = self._seen
        try:
            said = await qdevice.status()
        except Unavailable as error:
            said, trouble = {}, trouble or error.message
        state = said.get("State", "")
        connected = state == "Connected"
        if connected:
            self._starts = 0
        since_s = before.since_s if connected == before.connected and before.since_s else time.time()
        return WitnessSeen(
            self._service.installed, state, connected, since_s, "(cast vote)" in said.get("Last poll call", ""),
            said.get("Algorithm", ""), said.get("Tie-breaker", ""), trouble,
        )  # fmt: skip

    def _tell(self) -> None:
        self._told = self._seen
        self._node.say(encode(Witnessed(self._seen)))

    async def _conclude_interrupted(self) -> None:
        """What a daemon that was killed had begun is taken back as soon as the store can be written."""
        if self._task_runs or not self._node.life.is_open or not self._node.life.replica.writable:
            return
        record = self._journal.read()
        if record is not None:
            back = await take_back(undo_steps(self.host), record, self._journal)
            outcome = back.outcome if record.workflow == "witness" else "Look at the page for how it stands."
            self._node.tasks.conclude(record.upid, back.lines, f"The daemon ended in the middle of this. {outcome}")

    # --- shown ------------------------------------------------------------------------------------------------------

    def _record(self) -> WitnessRecord | None:
        return witness_rule.decode(self._node.life.tree.read(witness_rule.PATH))

    def shown(self, state: ClusterState) -> WitnessState | None:
        """None on a stand-alone node."""
        document = self._node.document()
        if document is None:
            return None
        seen = {
            node.name: card.witness
            for node in state.nodes
            if node.online and (card := self._node.board.card(node.node_id)).witness is not None
        }
        return witness_state(document, self._record(), state, seen)


def witness_state(
    document: conf.Document, record: WitnessRecord | None, state: ClusterState, seen: dict[str, WitnessSeen]
) -> WitnessState:
    """Pure."""
    configured, options = witness_of(document), quorum_options(document)
    advice = witness_rule.advice(document, record)
    if configured is None and record is None:
        return WitnessState(advice=advice)
    told = tuple(sorted(seen.items()))
    connected = [one for _, one in told if one.connected]
    sinces = [one.since_s for _, one in told if one.since_s is not None and one.connected == bool(connected)]
    return WitnessState(
        configured.host if configured is not None else record.host if record is not None else "",
        configured.algorithm if configured is not None else record.algorithm if record is not None else "",
        options.qdevice_votes or 0, device_votes(state, options), configured is None, record is not None,
        bool(connected), max(sinces, default=None), told, advice,
    )  # fmt: skip


def device_votes(state: ClusterState, options: QuorumOptions) -> int:
    """What corosync counts here beyond the votes of the nodes that are present."""
    if state.quorum is None or not options.has_qdevice:
        return 0
    present = sum(node.votes for node in state.nodes if node.online)
    return min(max(0, state.quorum.total_votes - present), options.qdevice_votes or 0)
