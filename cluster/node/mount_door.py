"""The mount's door into this node: the committed tree, proposals on behalf of a local user, and the virtual files.

Counts what `.version` shows. Which files are virtual is the mount's business; their text is `virtual_files.py`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from cluster.core.effects import Committed
from cluster.core.guests import guest_id_of, place_of
from cluster.core.locks import FOLDER, is_lock
from cluster.core.operations import AnyOperation, Expire
from cluster.core.tree import Tree
from cluster.errors import QuireError
from cluster.model import ClusterState
from cluster.node import virtual_files
from cluster.node.life import Life
from cluster.node.lock_watch import LockWatch
from cluster.node.status_keys import StatusKeys

LogRows = list[dict[str, Any]]

TIMEOUT_S = 10.0
LOCKS = "/".join(FOLDER) + "/"

log = logging.getLogger(__name__)


class MountDoor:
    """See `cluster/store/mount/door.py`."""

    def __init__(
        self,
        node_name: str,
        life: Life,
        keys: StatusKeys,
        state: Callable[[], ClusterState | None],
        log_rows: Callable[[int], LogRows],
    ) -> None:
        self.node_name = node_name
        self._life, self._state, self._log_rows, self._keys = life, state, log_rows, keys
        self._started_s = int(time.time())
        self._observed = Counter(dict.fromkeys(virtual_files.OBSERVED, 0))
        self._cluster_version = self._guest_version = 1
        self._members: object = None  # what `.members` told last
        self._locks = LockWatch(time.monotonic)

    def tree(self) -> Tree:
        return self._life.tree

    def writable(self) -> bool:
        return self._life.replica.writable

    async def propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        await self._life.driver.propose(operations, user=f"uid {uid}", door="mount", timeout_s=TIMEOUT_S)

    async def unlock(self, path: str, uid: int) -> bool:
        lock = self.tree().find(path)
        if lock is None or not is_lock(path.split("/"), is_dir=lock.is_dir):
            return False
        if self._locks.is_too_old(lock):
            try:
                await self.propose([Expire(path, lock.version)], uid)
            except QuireError as error:
                log.info("The lock %s stays for now: %s", path, error.message)
        return True

    def virtual(self, name: str) -> bytes:
        state = self._state()
        if name == ".members" and state is not None:
            return virtual_files.members(state, self._cluster_version)
        if name == ".version":
            return virtual_files.version(
                self._started_s, self._cluster_version, self._guest_version, self._observed, self._key_versions(state)
            )
        if name == ".vmlist":
            return virtual_files.guests(self._life.tree, self._guest_version)
        if name == ".rrd" and state is not None:
            named = {node.name: node.sample for node in state.nodes if node.sample is not None}
            return virtual_files.samples(named, self._keys.rrd(), time.time())
        if name == ".clusterlog":
            return virtual_files.cluster_log(self._log_rows(virtual_files.LOG_ROWS_MAX))
        if name == ".debug":
            return virtual_files.debug(logging.getLogger().isEnabledFor(logging.DEBUG))
        return b""

    def set_debug(self, on: bool) -> None:
        logging.getLogger().setLevel(logging.DEBUG if on else logging.INFO)

    # --- counting ---------------------------------------------------------------------------------------------------

    def committed(self, changes: tuple[Committed, ...], whole: bool) -> None:
        if whole:
            self._observed.update(virtual_files.OBSERVED)
            self._guest_version += 1
        paths = [change.path for one in changes if one.applied is not None for change in one.applied.paths]
        for path in paths:
            if path in self._observed:
                self._observed[path] += 1
            if _is_guest(path.split("/")):
                self._guest_version += 1
        if whole or any(path.startswith(LOCKS) for path in paths):
            self._locks.look(self.tree())

    def shown(self, state: ClusterState) -> None:
        """What `.members` tells is this now."""
        members = (
            state.name,
            state.config_version,
            [(one.name, one.node_id, bool(one.online), one.address) for one in state.nodes],
        )
        if members != self._members:
            self._members = members
            self._cluster_version += 1

    def _key_versions(self, state: ClusterState | None) -> dict[str, dict[str, int]]:
        ids = {self.node_name: self._life.replica.node_id} | {
            one.name: one.node_id for one in (state.nodes if state is not None else ())
        }
        versions = {name: self._keys.versions(node_id) for name, node_id in ids.items()}
        return {name: of_node for name, of_node in versions.items() if of_node}


def _is_guest(parts: list[str]) -> bool:
    return guest_id_of(parts[-1]) is not None and place_of(parts[:-1]) is not None
