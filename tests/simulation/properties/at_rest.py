"""A12, A13, A17 and the histories: what needs all that ever happened, looked at once when a simulation is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.core.log import Entry
from cluster.core.machine import body_of
from cluster.core.operations import Command
from cluster.core.tree import Tree
from cluster.errors import StoreRefusal
from tests.history.check import judge as judge_history
from tests.simulation.disk import WatchedDisk

if TYPE_CHECKING:
    from tests.simulation.judge import Judge


def a12_every_tree_is_a_tree(judge: Judge) -> str | None:
    """No orphan, no two entries of one name in one folder, no cycle, and every parent is a folder."""
    for node_id, process in sorted(judge.world.processes.items()):
        entries = process.replica.machine.tree.entries
        names = {(entry.parent, entry.name) for entry in entries.values()}
        if len(names) != len(entries):
            return f"node {node_id} has two entries of one name"
        for entry in entries.values():
            above, steps = entry, 0
            while above.inode != 0:
                parent = entries.get(above.parent)
                steps += 1
                if parent is None or not parent.is_dir or steps > len(entries):
                    return f"node {node_id}: {entry.name} hangs on nothing"
                above = parent
    return None


def a13_nothing_is_dropped_silently(judge: Judge) -> str | None:
    """Every change a disk ever held is in the history, or happened in another place, or is in its journal."""
    history = {point.hash for point in judge.order.values()}
    for node_id in judge.world.votes:
        disk = judge.world.disks[node_id]
        assert isinstance(disk, WatchedDisk)
        journal = {conflict.entry.point.hash for conflict in disk.conflicts(1 << 30)}
        for hashed, request_id in disk.ever.items():
            if not (hashed in history or hashed in journal or request_id in judge.happened or not request_id):
                return f"node {node_id} dropped {request_id} silently"
    return None


def a17_the_log_makes_the_tree(judge: Judge) -> str | None:
    """All committed entries, applied one after the other to an empty store, give what a node holds after its
    restarts, snapshots and suffixes."""
    replica = next(iter(judge.world.voters()), None)
    if replica is None:
        return None
    tree = Tree.from_entries(judge.world.first_entries, judge.world.first_version)
    remembered: set[str] = set()
    for index in range(1, replica.machine.log.commit.index + 1):
        body = judge.bodies.get(judge.order[index].hash) if index in judge.order else None
        if body is None:
            return None  # only in a store that was there before this simulation began to look
        command = body_of(Entry(judge.order[index], body))
        if isinstance(command, Command) and command.request_id not in remembered:
            remembered.add(command.request_id)
            try:
                tree.apply(command)
            except StoreRefusal:
                continue
    if tree.entries != replica.machine.tree.entries:
        return f"node {replica.node_id} holds another tree than its log makes"
    return None


def both_checkers_agree(judge: Judge) -> str | None:
    """C1, C4, C5, C6 and C10 as clients saw them, by revisions and by black box."""
    verdict = judge_history(judge.world.clients.calls)
    judge.history = verdict
    judge.sightings["calls judged"] += len(judge.world.clients.calls)
    return None if verdict.well else str(verdict)


AT_REST = (a12_every_tree_is_a_tree, a13_nothing_is_dropped_silently, a17_the_log_makes_the_tree, both_checkers_agree)
