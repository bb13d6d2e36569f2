"""Lowers the votes corosync expects, for a while, and puts them back: when the time is over or the others return.

What was lowered lies in the state folder, so that a daemon that restarts still puts it back. Absent nodes are tried
before, at their site's port on every address known: one that answers is not off. What it means in numbers is
`cluster/workflow/expected_votes.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from cluster.control.link_requests import SetExpected
from cluster.errors import NotInCluster, QuireError, Unavailable
from cluster.model import LoweredVotes, Node
from cluster.node.aside import write_durably
from cluster.workflow import expected_votes
from cluster.workflow.expected_votes import ExpectedPlan, plan_expected

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

PROBE_S = 2.0
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
        found = await asyncio.gather(*map(self._probe, absent))
        answering = dict(zip([node.name for node in absent], found, strict=True))
        return plan_expected(document.nodes(), status.quorum, status.nodes, answering, votes)

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

    async def _probe(self, node: Node) -> tuple[str, ...]:
        """Where this node answers, of all addresses it is known by."""
        said = self._node.board.card(node.node_id).announcement
        port = said.port if said is not None else self._node.options.port
        known = dict.fromkeys([*([said.address] if said is not None else []), *(link.address for link in node.links)])
        refuses = self._node.options.engine == "corosync"  # on one machine, every address refuses
        answers = await asyncio.gather(*(_answers(address, port, refuses) for address in known))
        return tuple(address for address, answered in zip(known, answers, strict=True) if answered)

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


async def _answers(address: str, port: int, refusal: bool) -> bool:
    """Whether anything listens there. A `refusal` is a living host's as well."""
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return refusal
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
