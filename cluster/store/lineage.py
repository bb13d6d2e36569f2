"""The acts that give a store another lineage: on the path of a store that nobody has open.

Founding a cluster and leaving one keep the tree and begin a new log; joining one empties the store, to be filled. Each
either happened or did not, also after a power cut. How a store is opened, copied and put back is `disk.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cluster.core.effects import Effect
from cluster.core.log import FIRST
from cluster.core.machine import Machine
from cluster.core.operations import Command, Remove
from cluster.core.snapshot import Snapshot
from cluster.store import mark, schema
from cluster.store.base import first_point
from cluster.store.disk import locked
from cluster.store.load import load
from cluster.store.records import Records, renumbered
from cluster.store.schema import told


def found(path: Path, uuid: str, node_id: int, votes: int) -> None:
    """The same tree as the beginning of a new lineage, whose only voter is this node.

    What a stand-alone node had written is all committed, kept or not; what a clustered one was not sure of goes to
    the conflict journal.
    """
    with locked(path):
        machine = _committed_machine(path)
        _begin_anew(path, machine, uuid, node_id, votes)


def begin(path: Path, uuid: str, node_id: int, snapshot: Snapshot) -> None:
    """The store becomes a node's of a cluster that begins with this snapshot; what was there is gone."""
    with locked(path), _changing(path) as records:
        records.become(uuid, node_id, snapshot, blank=False, dropped=())


def separate(path: Path, uuid: str, node_id: int, without: Callable[[str], bool]) -> None:
    """A clustered store becomes a stand-alone node's own, in a lineage of its own: the committed tree without the files
    and folders `without` names. What was not known to be committed goes to the conflict journal."""
    with locked(path):
        machine = _committed_machine(path)
        paths = sorted(machine.tree.path_of(entry.inode) for entry in machine.tree.walk())
        operations = tuple(Remove(one) for one in reversed(paths) if without(one))
        machine.tree.apply(Command(f"separate {uuid}", node_id, int(time.time() * 1000), "", "", operations))
        _begin_anew(path, machine, uuid, node_id, 1)


def blank(path: Path, uuid: str, node_id: int) -> None:
    """An empty store that waits to be filled by the lineage `uuid`. What was there is gone: back it up before."""
    with locked(path), _changing(path) as records:
        records.become(uuid, node_id, Snapshot(point=FIRST), blank=True, dropped=())


def _committed_machine(path: Path) -> Machine:
    """The tree with all that is known to be committed; the rest is in its log's suffix."""
    durable, _ = load(path)
    machine = Machine(durable, lambda text: {})
    ignored: list[Effect] = []
    machine.commit({durable.node_id: machine.log.last.index}, ignored)
    return machine


def _begin_anew(path: Path, machine: Machine, uuid: str, node_id: int, votes: int) -> None:
    snapshot = renumbered(machine.snapshot(), first_point(uuid), {node_id: votes})
    with _changing(path) as records:
        records.become(uuid, node_id, snapshot, blank=False, dropped=tuple(machine.log.suffix))


@contextmanager
def _changing(path: Path) -> Iterator[Records]:
    with closing(schema.connect(path)) as connection, told(path):
        mark.forget(path)
        connection.execute("BEGIN IMMEDIATE")
        records = Records(connection)
        yield records
        records.finish()
        connection.execute("COMMIT")
