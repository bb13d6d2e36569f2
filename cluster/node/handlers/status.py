"""Requests about what is: version, snapshot, changes as they come, the engine's own report, interfaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from cluster import version
from cluster.control.conversation import Handler, StreamHandler
from cluster.control.requests import (
    ClusterLog,
    EngineReport,
    Interfaces,
    NodeFacts,
    Request,
    Status,
    Subscribe,
    Version,
    as_plain,
)
from cluster.errors import Busy
from cluster.model import Change
from cluster.node.host_facts import read_facts
from cluster.node.interfaces import list_interfaces

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

BACKLOG_MAX = 1000  # changes a subscriber may be behind


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def tell_version(request: Version) -> Any:
        return version.api_version()

    async def snapshot(request: Status) -> Any:
        return _snapshot(node)

    async def cluster_log(request: ClusterLog) -> Any:
        return node.cluster_log.rows(max(0, request.max), request.user)

    async def engine_report(request: EngineReport) -> Any:
        return as_plain(await node.life.connection.engine.status())

    async def tell_interfaces(request: Interfaces) -> Any:
        own = node.options.address if node.options.engine == "loopback" else ""
        return await asyncio.to_thread(list_interfaces, own)

    async def node_facts(request: NodeFacts) -> Any:
        return await asyncio.to_thread(read_facts)

    return {
        Version: tell_version,
        Status: snapshot,
        ClusterLog: cluster_log,
        EngineReport: engine_report,
        Interfaces: tell_interfaces,
        NodeFacts: node_facts,
    }


def streams(node: Daemon) -> dict[type[Request], StreamHandler]:
    async def subscribe(request: Subscribe) -> AsyncIterator[Any]:
        waiting: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG_MAX)

        def hear(change: Change) -> None:
            if waiting.full():
                end()
                waiting.get_nowait()
                waiting.put_nowait(None)
            else:
                waiting.put_nowait(change)

        end = node.publisher.subscribe(hear)
        try:
            yield _snapshot(node)
            while (change := await waiting.get()) is not None:
                yield as_plain(change)
            raise Busy("This subscriber reads too slowly; subscribe again for a new snapshot.")
        finally:
            end()

    return {Subscribe: subscribe}


def _snapshot(node: Daemon) -> dict[str, Any]:
    node.show_now()
    publisher = node.publisher
    return {
        "number": publisher.number,
        "source": publisher.source,
        "cluster": as_plain(publisher.state),
        "tasks": as_plain(node.tasks.list(50)),
    }
