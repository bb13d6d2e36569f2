"""How this node's store is woken: opened as it is, made where there never was one, or set aside and begun again blank.

A store is begun again when what is on disk is not what this node left there: damaged, gone, an older copy, another
node's or another cluster's. A blank one has no say in what the cluster's history is. Runs in any thread; what a life
of the store is made of is `life.py`.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from cluster.core.machine import Durable
from cluster.errors import StoreDamaged, StoreTooNew
from cluster.store import disk as store
from cluster.store import mark as marks
from cluster.store.base import Disk
from cluster.store.begin_again import begin_again, was_interrupted
from cluster.store.mark import Mark

ALONE_NODE_ID = 0


def wake(path: Path, known: Mark | None = None) -> tuple[Disk, Durable]:
    """Open and verify. `known` is whose store it must be, where the caller knows better than the mark on disk.

    Raises StoreDamaged when it is damaged and nobody could fill another, StoreTooNew, Unavailable.
    """
    mark = marks.read(path) or known
    if not path.exists():
        if mark is None and not was_interrupted(path):
            store.create(path, str(uuid.uuid4()), ALONE_NODE_ID, 1)
        else:
            begin_again(path, "The store's file is gone.", mark, int(time.time()))
    try:
        return _opened(path)
    except StoreTooNew:
        raise
    except StoreDamaged as error:
        begin_again(path, error.message, mark, int(time.time()))
        return _opened(path)


def wake_blank(path: Path, reason: str, known: Mark) -> tuple[Disk, Durable]:
    """What is there is not to be trusted, whatever it says. Raises as `wake`."""
    begin_again(path, reason, marks.read(path) or known, int(time.time()))
    return _opened(path)


def _opened(path: Path) -> tuple[Disk, Durable]:
    disk = store.open_disk(path)
    try:
        return disk, disk.load()
    except BaseException:
        disk.close()
        raise
