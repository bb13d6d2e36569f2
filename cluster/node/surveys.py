"""Looking at all members together, and at a node that would join: asked through the status group, answered by each.

Every member says what it is; where a joining node is named it measures the ways to it: corosync's UDP ports on each
link, TCP to its site, no others. One survey at a time is asked for here, and each node answers a few at once, so that
nobody can make a cluster probe for them. What is found is judged in `cluster/core/preflight.py`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from cluster.core.survey import UDP_PORT, Way
from cluster.errors import Busy, NotInCluster
from cluster.node.replies import Replies
from cluster.node.survey_messages import SurveyAsked, Surveyed
from cluster.node.surveyor import NodeSurveyor
from cluster.workflow.check_together import Joiner, MemberAnswer, MembersAnswer
from cluster.workflow.surveyor import NAMES_MAX

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

ANSWER_S, POLL_S = 12.0, 0.05  # a busy member is waited for; one that left the group is not


class Surveys:
    """This node's part in surveys, and asking for one."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.surveyor = NodeSurveyor(daemon.options)
        self._id = ""
        self._heard: dict[int, tuple[Surveyed, float]] = {}
        self._replies = Replies(daemon, "A survey")
        daemon.board.surveyed = self._hear

    async def ask(self, joiner: Joiner | None = None, within_s: float = ANSWER_S) -> MembersAnswer:
        """What every member says that answers. Raises NotInCluster, Busy, Unavailable."""
        document = self._daemon.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        if self._id:
            raise Busy("The members are being asked already. Try again in a few seconds.")
        begun_s, self._id, self._heard = time.monotonic(), secrets.token_hex(8), {}
        names = [*(node.name for node in document.nodes()), *([joiner.name] if joiner is not None else [])]
        asked = SurveyAsked(self._id, tuple(names[-NAMES_MAX:]))
        if joiner is not None:
            asked = msgspec.structs.replace(
                asked, joiner=joiner.name, links=dict(joiner.links), address=joiner.address, port=joiner.port,
                nonce=joiner.nonce,
            )  # fmt: skip
        try:
            self._replies.say(asked)
            await self._answers(begun_s + within_s)
            nodes = tuple(
                MemberAnswer(said.facts, said.ways, said.facts.time_s - at_s) for said, at_s in self._heard.values()
            )
            return MembersAnswer(nodes, time.time(), time.monotonic() - begun_s)
        finally:
            self._id = ""

    async def _answers(self, until_s: float) -> None:
        while not self._daemon.board.members <= self._heard.keys() and time.monotonic() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    def _hear(self, node_id: int, message: SurveyAsked | Surveyed) -> None:
        if isinstance(message, Surveyed):
            if message.id == self._id:
                self._heard[node_id] = message, time.time()
        else:
            self._replies.give(partial(self._answer_to, message))

    async def _answer_to(self, asked: SurveyAsked) -> Surveyed:
        document = self._daemon.document()
        mine = document.node(self._daemon.options.name) if document is not None else None
        links = {link.number: link.address for link in mine.links} if mine is not None else {}
        facts, ways = await asyncio.gather(self.surveyor.facts(links, asked.names), self._ways(asked, links))
        facts = replace(facts, time_s=time.time())  # as of now: by how it is heard, clocks are compared
        return Surveyed(asked.id, facts, ways)

    async def _ways(self, asked: SurveyAsked, own: Mapping[int, str]) -> tuple[Way, ...]:
        if not asked.joiner:
            return ()
        name, shared = self._daemon.options.name, {n: own[n] for n in own.keys() & asked.links.keys()}
        targets = [(n, asked.links[n]) for n in shared]
        async with self.surveyor.exchange(asked.nonce, shared, targets, patient=False) as exchange:
            reached, _ = await asyncio.gather(self.surveyor.reach(asked.address, asked.port), exchange.complete())
            measured = [(n, exchange.measured(n, address)) for n, address in targets]
        return (
            Way(name, asked.joiner, 0, "tcp", asked.port, reached, address=asked.address),
            *(
                Way(asked.joiner, name, n, "udp", UDP_PORT + n, None) if found is None else Way(
                    asked.joiner, name, n, "udp", UDP_PORT + n, found.heard, found.round_trip_ms,
                    1 - found.echoed / found.sent if found.echoed and found.sent else None, found.size,
                    found.size_passed,
                )
                for n, found in measured
            ),
        )  # fmt: skip
