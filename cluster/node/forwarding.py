"""Carries API calls to other nodes: only to members the cluster committed, only where they say they are, and only to
the certificate they announced.

A node that is known to be offline is refused at once; one that hangs holds up nobody, for every wait and every queue
is bounded. What is asked is not looked into: the other node checks the caller's ticket itself.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cluster.control.node_requests import ForwardCall
from cluster.control.pinned import Answer, Exchange
from cluster.errors import Busy, InvalidInput, NotFound, PeerError
from cluster.model import ClusterState, NodeState
from cluster.node.board_messages import Announcement

CONNECT_S = 0.8
DEADLINE_S = 30.0
ANSWER_BYTES_MAX = 3 << 20
AT_ONCE_MAX = 24
AT_ONCE_PER_NODE_MAX = 8
HOPS_HEADER = "PVEDisableProxy"  # says that a call has been carried once

METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
CREDENTIALS = frozenset({"Cookie", "Authorization", "CSRFPreventionToken"})
TARGET = re.compile(r"(?:json|extjs)/[\x21-\x22\x24-\x7e]{1,8000}")  # no blank, no control character, no fragment
HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,8000}")


class Forwarding:
    """`state` is the cluster as this node sees it, `announced` what a node said of itself."""

    def __init__(
        self, state: Callable[[], ClusterState | None], announced: Callable[[int], Announcement | None]
    ) -> None:
        self._state, self._announced = state, announced
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, "forward")
        self._under_way: Counter[str] = Counter()

    def locate(self, name: str) -> NodeState:
        """Raises NotFound."""
        state = self._state()
        found = state.node(state.local_node if name == "localhost" else name) if state is not None else None
        if found is None:
            raise NotFound(f"there is no node '{name}' here")
        return found

    async def carry(self, request: ForwardCall) -> dict[str, Any]:
        node = self.locate(request.node)
        exchange = self._exchange_with(node)
        headers = _headers(request)
        if self._under_way[node.name] >= AT_ONCE_PER_NODE_MAX or self._under_way.total() >= AT_ONCE_MAX:
            raise Busy(f"{self._under_way[node.name]} requests to node '{node.name}' wait for an answer already.")
        self._under_way[node.name] += 1
        loop = asyncio.get_running_loop()
        path, body = f"/api2/{request.target}", request.body or None
        run = loop.run_in_executor(self._threads, exchange.run, request.http_method, path, headers, body)
        run.add_done_callback(lambda ended: self._arrived(node.name, ended))
        try:
            answer: Answer = await asyncio.shield(run)
        except asyncio.CancelledError:
            exchange.abort()
            raise
        return {
            "status": answer.status,
            "reason": answer.reason,
            "content_type": answer.content_type,
            "body": answer.body,
        }

    def _exchange_with(self, node: NodeState) -> Exchange:
        if node.local:
            raise InvalidInput(f"'{node.name}' is this node: nothing is to be carried.")
        said = self._announced(node.node_id)
        if not node.online:
            since = f" since {_clock(node.since_s)}" if node.since_s and said is not None else ""
            raise PeerError(f"node '{node.name}' is offline{since}")
        if said is None or said.name != node.name:
            raise PeerError(f"node '{node.name}' has not said yet where it is reached")
        return Exchange(
            said.address, said.port, said.fingerprint,
            deadline_s=DEADLINE_S, size_max=ANSWER_BYTES_MAX, connect_s=CONNECT_S,
        )  # fmt: skip

    def _arrived(self, name: str, ended: asyncio.Future[Answer]) -> None:
        if not ended.cancelled():
            ended.exception()  # looked at, for who asked may have left
        self._under_way[name] -= 1
        if not self._under_way[name]:
            del self._under_way[name]


def _headers(request: ForwardCall) -> dict[str, str]:
    """Raises InvalidInput for what no request of ours has."""
    credentials = {name: value.reveal() for name, value in request.credentials.items()}
    values = [*credentials.values(), request.content_type]
    if (
        request.http_method not in METHODS
        or not TARGET.fullmatch(request.target)
        or not credentials.keys() <= CREDENTIALS
        or not all(map(HEADER_VALUE.fullmatch, values))
    ):
        raise InvalidInput("This is no call of the API.")
    content = {"Content-Type": request.content_type} if request.body else {}
    return {**credentials, **content, HOPS_HEADER: "true"}


def _clock(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time_s))
