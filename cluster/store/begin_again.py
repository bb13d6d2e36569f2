"""A store that cannot be trusted makes room for a blank one, to be filled by the cluster it belongs to.

Nothing of it is replicated: the others have every committed byte. What only this node may have, changes that were not
yet known to be committed and the conflict journal, is carried over, and what the cluster turns out not to have is told
in the journal. Whether a store can be trusted is `load.py`'s and `mark.py`'s word; who asks is `node/waking.py`.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing
from pathlib import Path

from cluster.errors import StoreDamaged
from cluster.store import quarantine, schema
from cluster.store.base import first_point
from cluster.store.disk import locked, put_in_place
from cluster.store.mark import Mark
from cluster.store.salvage import Salvage, salvage
from cluster.store.schema import told

log = logging.getLogger(__name__)


def begin_again(path: Path, reason: str, mark: Mark | None, now_s: int) -> None:
    """Set the store at `path` aside, if there is one, and make a blank one of the same node in the same cluster.

    `mark` says which; without it the store's own word has to do. Raises StoreDamaged for a node in no cluster, which
    nobody could fill, and Unavailable; then everything is as it was, or is finished by calling this again.
    """
    with locked(path), told(path):
        ready = _ready(path)
        if path.exists():
            saved = salvage(path)
            _make_blank(ready, _whose(mark or saved.identity, reason, path), saved)
            for gone in quarantine.set_aside(path, reason, now_s):
                log.warning("Removed to make room in the quarantine: %s (%s)", gone.name, gone.reason)
        elif not ready.exists():
            _make_blank(ready, _whose(mark, reason, path), Salvage())
        put_in_place(ready, path)
    log.error("%s It was set aside; this node begins with a blank store, and the others fill it.", reason)


def was_interrupted(path: Path) -> bool:
    """Was a store set aside, and the blank one not put in its place?"""
    return not path.exists() and _ready(path).exists()


def _ready(path: Path) -> Path:
    return path.with_name(path.name + ".blank")


def _whose(mark: Mark | None, reason: str, path: Path) -> Mark:
    if mark is None or mark.node_id == 0:
        raise StoreDamaged(
            f"{reason} This node is in no cluster, so no other has a copy. Stop it; then either put a backup of it in"
            f" place of {path}, or move {path}, {path.name}-wal and {path.stem}.mark away to begin with an empty store."
        )
    return mark


def _make_blank(ready: Path, mark: Mark, saved: Salvage) -> None:
    """Whole on disk when this returns, at a place where nobody takes it for the store."""
    making = ready.with_name(ready.name + ".new")
    schema.make(making)
    before = saved.before if saved.entries else first_point(mark.uuid)
    header = schema.Header(mark.uuid, mark.node_id, True, mark.promised, before, before, 1, 0, 0, {})
    with closing(schema.connect(making)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        schema.write_header(connection, header)
        for entry in saved.entries:
            row = (entry.point.index, entry.point.epoch, entry.point.hash, entry.body)
            connection.execute("INSERT INTO log VALUES (?, ?, ?, ?)", row)
        connection.executemany(
            "INSERT INTO conflicts (time_s, idx, epoch, hash, body) VALUES (?, ?, ?, ?, ?)", saved.conflicts
        )
        connection.execute("COMMIT")
    os.chmod(making, 0o600)
    put_in_place(making, ready)
