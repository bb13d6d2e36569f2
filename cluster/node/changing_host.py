"""What every host of a change to a running cluster reads and says in the same way: the store, who is there, the log.

Knows nothing of what is changed: `link_host.py` and `witness_host.py` go on from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.model import StoreState
from cluster.workflow.host import StoredFile

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


class ChangingHost:
    """Everything is asked of `node` when it is needed: its parts change with its lives."""

    def __init__(self, node: Daemon) -> None:
        self._node = node

    async def store_read(self, path: str) -> StoredFile | None:
        return await self._node.host.store_read(path)

    async def store_state(self) -> StoreState:
        return await self._node.host.store_state()

    async def online_nodes(self) -> frozenset[str]:
        return await self._node.host.online_nodes()

    async def check_configuration(self, text: bytes) -> None:
        await self._node.host.check_configuration(text)

    async def cluster_log(self, sentence: str) -> None:
        await self._node.host.cluster_log(sentence)
