"""Requests about what is: version, snapshot, changes as they come, the engine's own report, interfaces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from cluster import version
from cluster.control.conversation import Handler, StreamHandler
from cluster.control.requests import (
    ClusterLog,
    EngineReport,
    Interfaces,
    KeyRead,
    KeyWrite,
    NodeFacts,
    Request,
    Status,
    Subscribe,
    Version,
    as_plain,
)
from cluster.core.advice import advice
from cluster.core.health import health
from cluster.errors import Busy, NotFound
from cluster.model import Change
from cluster.node.host_facts import read_facts
from cluster.node.interfaces import list_interfaces

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

TASKS_MAX = 50
BACKLOG_MAX = 1000  # changes a subscriber may be behind


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def tell_version(request: Version) -> Any:
        return version.api_version()

    async def snapshot(request: Status) -> Any:
        return _snapshot(node)

    async def cluster_log(request: ClusterLog) -> Any:
        return node.cluster_log.rows(max(0, request.max), request.user)

    async def write_key(request: KeyWrite) -> Any:
        node.status_keys.set(request.name, request.data)

    async def read_key(request: KeyRead) -> Any:
        state = node.publisher.state
        named = state.node(request.node or state.local_node) if state is not None else None
        own = request.node in ("", node.options.name)
        node_id = named.node_id if named is not None else node.life.replica.node_id if own else None
        data = node.status_keys.get(node_id, request.name) if node_id is not None else None
        if data is None:
            raise NotFound(f"Node {request.node or node.options.name} has said nothing under the key {request.name}.")
        return {"data": data}

    async def engine_report(request: EngineReport) -> Any:
        state = node.publisher.state
        lagging = state.store.lagging if state is not None and state.store is not None else ()
        said = {**as_plain(await node.life.connection.engine.status()), "lagging": list(lagging)}
        if state is not None:
            now_s = time.time()
            said |= {"reasons": as_plain(health(state, now_s).reasons), "advice": as_plain(advice(state, now_s))}
        return said

    async def tell_interfaces(request: Interfaces) -> Any:
        own = node.options.address if node.options.engine == "loopback" else ""
        return await asyncio.to_thread(list_interfaces, own)

    async def node_facts(request: NodeFacts) -> Any:
        return await asyncio.to_thread(read_facts)

    return {
        Version: tell_version,
        Status: snapshot,
        ClusterLog: cluster_log,
        KeyWrite: write_key,
        KeyRead: read_key,
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
    node.showing.now()
    publisher = node.publisher
    return {
        "number": publisher.number,
        "source": publisher.source,
        "cluster": as_plain(publisher.state),
        "tasks": as_plain(node.task_board.rows()[:TASKS_MAX]),
    }
