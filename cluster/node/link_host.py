"""The node as changing links sees it: `LinkHost` of `cluster/workflow/change_links.py`, over this daemon's parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.core.machine import CONFIGURATION
from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import AnyOperation
from cluster.corosync import conf
from cluster.errors import Conflict, NotFound, StoreRefusal, Unavailable
from cluster.model import LinkState
from cluster.node.changing_host import ChangingHost
from cluster.workflow import link_trial
from cluster.workflow.change_links import unheard
from cluster.workflow.link_plan import way_back
from cluster.workflow.link_trial import Trial

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

TELL_S = 8.0  # how long a node may take to say which addresses it has


class NodeLinkHost(ChangingHost):
    def __init__(self, node: Daemon) -> None:
        super().__init__(node)
        self._way_back = asyncio.Lock()  # whoever takes the change back and the guard may begin it at one moment

    async def commit_links(self, document: bytes, expected_digest: str, trial: Trial | None) -> None:
        operations: list[AnyOperation] = [Expect(CONFIGURATION, expected_digest), Write(CONFIGURATION, document)]
        if trial is not None:
            operations += [Mkdir("priv", parents=True), Write(link_trial.PATH, link_trial.encode(trial), create=True)]
        await self._commit(operations)
        await self._node.host.activate_configuration()

    async def trial(self) -> Trial | None:
        return link_trial.decode(self._node.life.tree.read(link_trial.PATH))

    async def confirm(self) -> None:
        data = self._node.life.tree.read(link_trial.PATH)
        if data is None:
            raise NotFound("No change of the links is on trial.")
        if (trial := link_trial.decode(data)) is not None:
            link_trial.check_whole(trial, self._node.life.tree.read(CONFIGURATION) or b"")
        await self._commit([Expect(link_trial.PATH, digest_of(data)), Remove(link_trial.PATH)])
        await self.cluster_log("the change of links is confirmed")

    async def go_back(self) -> None:
        async with self._way_back:
            await self._go_back()

    async def _go_back(self) -> None:
        data, current = self._node.life.tree.read(link_trial.PATH), self._node.life.tree.read(CONFIGURATION)
        trial = link_trial.decode(data)
        if trial is None or data is None or current is None:
            return
        *between, fallback = way_back(conf.parse(current), conf.parse(trial.fallback))
        for document in between:
            text = conf.render(document).encode()
            await self._commit([Expect(CONFIGURATION, digest_of(current)), Write(CONFIGURATION, text)])
            await self._node.host.activate_configuration()
            current = text
            await self._until_heard(document)
        await self._commit(
            [
                Expect(link_trial.PATH, digest_of(data)),
                Expect(CONFIGURATION, digest_of(current)),
                Write(CONFIGURATION, conf.render(fallback).encode()),
            ]
        )
        await self._node.host.activate_configuration()
        await self._commit([Expect(link_trial.PATH, digest_of(data)), Remove(link_trial.PATH)])  # only now: it is done
        await self.cluster_log("the change of links was not confirmed: the former links are back")

    async def _until_heard(self, document: conf.Document) -> None:
        """For a moment: a link that was put back should carry before the next one is taken out."""
        deadline_s = time.monotonic() + link_trial.BETWEEN_S
        while unheard(document, await self.link_states()) and time.monotonic() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def missing_addresses(self, needed: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        if self._node.options.engine != "corosync":
            return ()  # every address of the loopback network is there
        await asyncio.sleep(0)
        deadline_s = time.monotonic() + TELL_S
        while missing := [(name, address) for name, address in needed if address not in self._addresses(name)]:
            if time.monotonic() > deadline_s:
                silent = [name for name, _ in missing if not self._addresses(name)]
                if silent:
                    raise Unavailable(f"{silent[0]} does not say which addresses it has.")
                return tuple(missing)
            await asyncio.sleep(0.2)
        return ()

    def _addresses(self, name: str) -> tuple[str, ...]:
        document = self._node.document()
        listed = document.node(name) if document is not None else None
        return self._node.board.card(listed.node_id).addresses if listed is not None else ()

    async def link_states(self) -> Mapping[int, tuple[LinkState, ...]]:
        return {node_id: self._node.board.card(node_id).link_states for node_id in self._node.board.members}

    async def _commit(self, operations: list[AnyOperation]) -> None:
        try:
            await self._node.life.driver.propose(operations, user="root@pam", door="workflow")
        except StoreRefusal as refusal:
            raise Conflict("The configuration was changed by someone else meanwhile; try again.") from refusal
