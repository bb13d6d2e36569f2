"""Whether anything answers at an address and port, and so whether absent nodes are off: their site's port is tried.

Used before votes are lowered (`expected.py`), before a node separates from a cluster it lost (`host.py`), and for a
pre-flight's ways by TCP (`surveyor.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from cluster.model import Node
from cluster.node.board import Board
from cluster.node.options import Options

PROBE_S = 2.0


async def answering(nodes: Iterable[Node], board: Board, options: Options) -> dict[str, tuple[str, ...]]:
    """Name → the addresses that answer, of all each node is known by; two seconds at most, for all at once."""
    nodes = tuple(nodes)
    found = await asyncio.gather(*(_probe(node, board, options) for node in nodes))
    return {node.name: addresses for node, addresses in zip(nodes, found, strict=True) if addresses}


async def _probe(node: Node, board: Board, options: Options) -> tuple[str, ...]:
    said = board.card(node.node_id).announcement
    port = said.port if said is not None else options.port
    known = dict.fromkeys([*([said.address] if said is not None else []), *(link.address for link in node.links)])
    refuses = options.engine == "corosync"  # on one machine, every address refuses
    found = await asyncio.gather(*(answers(address, port, refusal=refuses) for address in known))
    return tuple(address for address, answered in zip(known, found, strict=True) if answered)


async def answers(address: str, port: int, *, refusal: bool = False) -> bool:
    """Whether anything listens there, within two seconds. With `refusal` one counts too: a living host made it."""
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
