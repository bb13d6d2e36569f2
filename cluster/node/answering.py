"""Whether anything answers where absent nodes are known to be: one that does is not off. Tried at their site's port.

Used before votes are lowered (`expected.py`) and before a node separates from a cluster it lost (`host.py`).
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
    answers = await asyncio.gather(*(_answers(address, port, refuses) for address in known))
    return tuple(address for address, answered in zip(known, answers, strict=True) if answered)


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
