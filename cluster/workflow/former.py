"""What a node was before it joined, so that a join can be undone for a day: which copy of its own store that is.

One small file on the joining node, durable. It counts while the store still is the joined cluster's and the copy is
there; a join that failed leaves nothing that counts. Undoing is leaving (`leave.py`) with that copy in place of the
cluster's content.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from cluster.errors import Conflict, NotFound, Unavailable
from cluster.workflow.host import Host
from cluster.workflow.journal import replace_durably

UNDO_S = 24 * 3600


class Joined(msgspec.Struct, frozen=True):
    """`backup` is the copy's name among this node's backups."""

    backup: str
    time_s: int
    cluster: str
    uuid: str

    @property
    def undo_until_s(self) -> int:
        return self.time_s + UNDO_S


class JoinMemory:
    """The file `<state>/joined.json`. `copies` is where this node's backups lie."""

    def __init__(self, path: Path, copies: Path) -> None:
        self._path, self._copies = path, copies

    def keep(self, joined: Joined) -> None:
        """Durable when it returns. Raises Unavailable."""
        replace_durably(self._path, msgspec.json.encode(joined))

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)

    async def joined(self, host: Host, now_s: float) -> Joined | None:
        """The join that may be undone now. Raises Unavailable."""
        joined = self._read()
        if joined is None or now_s > joined.undo_until_s or joined.uuid != await host.cluster_uuid():
            return None
        return joined if (self._copies / joined.backup).is_file() else None

    async def to_undo(self, host: Host, now_s: float) -> Joined:
        """Raises NotFound, Conflict, Unavailable."""
        joined = await self.joined(host, now_s)
        if joined is not None:
            return joined
        kept = self._read()
        if kept is None or kept.uuid != await host.cluster_uuid():
            raise NotFound("This node did not join the cluster it is in; there is nothing to undo.")
        if now_s > kept.undo_until_s:
            raise Conflict("This node joined more than a day ago. Let it leave the cluster instead.")
        raise Conflict("The copy of this node's former store is gone. Let it leave the cluster instead.")

    def _read(self) -> Joined | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Joined)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"The record of this node's join, {self._path}, cannot be read.") from error
