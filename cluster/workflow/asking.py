"""The member a joiner asks, as the join sees it, and an answer that is waited for although the task is stopped.

The member is `cluster/control/peer.py`; what is asked in which order is `join.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cluster.errors import PeerRefused
from cluster.secret import Secret
from cluster.workflow import answer
from cluster.workflow.steps import Run

ANSWER_S = 45.0


class PeerSession(Protocol):
    """A signed-in conversation with a member (`cluster/control/peer.py`)."""

    async def get(self, path: str) -> Any: ...

    async def post(self, path: str, /, **params: Any) -> Any: ...


class Peer(Protocol):
    """A member at an address, known by its certificate's fingerprint. Raises PeerError and its kinds."""

    async def login(self, username: str, password: Secret) -> PeerSession: ...

    async def call(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Any: ...


Peers = Callable[[str, str], Peer]  # (address, fingerprint) → the peer there


async def answered(asked: asyncio.Future[Any], run: Run) -> Any:
    """The peer's answer, with its undo token noted first. Being stopped does not interrupt the question: an addition
    whose token is never learned could not be taken back at once. The peer's own deadline bounds it."""
    stopped: asyncio.CancelledError | None = None
    try:
        await asyncio.wait({asked}, timeout=ANSWER_S)
    except asyncio.CancelledError as error:
        stopped = error
        await asyncio.wait({asked}, timeout=ANSWER_S)
    if not asked.done():
        asked.cancel()
    elif not asked.cancelled() and isinstance(asked.exception(), PeerRefused):
        run.note(refused="yes")
    elif not asked.cancelled() and asked.exception() is None:
        token = answer.read_undo_token(asked.result())
        if token:
            run.note(undo_token=token, refused="")
    if stopped is not None:
        raise stopped
    return await asked
