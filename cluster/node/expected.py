"""Lowers the votes corosync expects, for a while, and puts them back: when the time is over or the others return.

What was lowered lies in the state folder, so that a daemon that restarts still puts it back. Absent nodes are tried
before, at their site's port on every address known: one that answers is not off. What it means in numbers is
`cluster/workflow/expected_votes.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from cluster.control.link_requests import SetExpected
from cluster.errors import NotInCluster, QuireError, Unavailable
from cluster.model import LoweredVotes
from cluster.node.answering import answering
from cluster.node.aside import write_durably
from cluster.workflow import expected_votes
from cluster.workflow.expected_votes import ExpectedPlan, plan_expected

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LOOK_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Expected:
    """`lowered` is what this node has lowered and not put back yet."""

    def __init__(self, node: Daemon) -> None:
        self._node = node
        self._path = node.options.state_dir / "expected.json"
        self.lowered = self._read()

    async def plan(self, votes: int) -> ExpectedPlan:
        """Raises NotInCluster, InvalidInput, Unavailable."""
        document = self._node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        status = await self._node.life.connection.engine.status()
        if status.quorum is None:
            raise Unavailable("The engine does not answer, so nothing is known of its votes.")
        absent = [node for node in document.nodes() if node.node_id not in status.nodes]
        found = await answering(absent, self._node.board, self._node.options)
        return plan_expected(document.nodes(), status.quorum, status.nodes, found, votes)

    async def set(self, request: SetExpected) -> ExpectedPlan:
        """Raises what `plan` raises, and Conflict where an absent node answers."""
        lasts_s = expected_votes.lasts_s(request.lasts_s)
        plan = await self.plan(request.expected)
        expected_votes.check_plan(plan, request.force)
        if plan.votes >= plan.configured_votes:
            await self.restore()
            return plan
        self._keep(LoweredVotes(plan.votes, plan.configured_votes, time.time() + lasts_s, request.user))
        await self._node.underlay.expect(self._node.life.connection.engine, plan.votes)
        self._node.cluster_log.write(f"{request.user} lowered the expected votes to {plan.votes} for {lasts_s} s")
        return plan

    async def restore(self) -> None:
        """The configured votes are expected again. Nothing lowered: nothing happens. Raises Unavailable."""
        lowered, document = self.lowered, self._node.document()
        if lowered is None:
            return
        if document is not None and self._node.life.connection.connected:
            votes = sum(node.votes for node in document.nodes())
            # corosync refuses a number that would cost the quorum; read from its file it takes it.
            await self._node.underlay.expect_configured(self._node.life.connection.engine)
            self._node.cluster_log.write(f"the expected votes are {votes} again, as configured")
        self._keep(None)

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.lowered is not None and (time.time() > self.lowered.until_s or self._all_here()):
                try:
                    await self.restore()
                except QuireError as error:
                    log.warning("The expected votes could not be put back yet: %s", error.message)

    def _all_here(self) -> bool:
        document = self._node.document()
        return document is None or all(node.node_id in self._node.board.members for node in document.nodes())

    def _read(self) -> LoweredVotes | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=LoweredVotes)
        except (OSError, msgspec.DecodeError):
            return None

    def _keep(self, lowered: LoweredVotes | None) -> None:
        self.lowered = lowered
        if lowered is None:
            self._path.unlink(missing_ok=True)
        else:
            write_durably(self._path, msgspec.json.encode(lowered), 0o600)
