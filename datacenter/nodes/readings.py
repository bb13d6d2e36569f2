"""What a node's last sample says, by the names pages use. Pure.

The names and units of a sample are those of `cluster/node/samplers.py`; only this file knows both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.model import NodeState


def of(node: NodeState, name: str) -> float | None:
    """One figure. None when the node is not known to be online: an old figure is not shown as a new one."""
    if node.online is not True or node.sample is None:
        return None
    values = node.sample.values
    if name in SHARES:
        used, whole = (values.get(part) for part in SHARES[name])
        return used / whole if used is not None and whole else None
    return values.get(name)


# A share is one figure of the sample by another.
SHARES = {
    "memory_share": ("memused", "memtotal"),
    "disk_share": ("rootused", "roottotal"),
    "swap_share": ("swapused", "swaptotal"),
}


@dataclass(frozen=True, slots=True)
class Totals:
    """What the nodes come to together; figures are None while no node has told any."""

    online: int
    offline: int
    unknown: int
    cores: float | None
    cpu: float | None
    memory_used: float | None
    memory_whole: float | None
    disk_used: float | None
    disk_whole: float | None

    @property
    def memory(self) -> float | None:
        return self.memory_used / self.memory_whole if self.memory_used is not None and self.memory_whole else None

    @property
    def disk(self) -> float | None:
        return self.disk_used / self.disk_whole if self.disk_used is not None and self.disk_whole else None


def totals(nodes: Iterable[NodeState]) -> Totals:
    """The CPU's share is weighted by cores, so that a large busy node counts for more than a small one."""
    nodes = list(nodes)
    states = [node.online for node in nodes]
    cores = _sum(of(node, "maxcpu") for node in nodes)
    busy = _sum(_times(of(node, "cpu"), of(node, "maxcpu")) for node in nodes)
    return Totals(
        online=states.count(True),
        offline=states.count(False),
        unknown=states.count(None),
        cores=cores,
        cpu=busy / cores if busy is not None and cores else None,
        memory_used=_sum(of(node, "memused") for node in nodes),
        memory_whole=_sum(of(node, "memtotal") for node in nodes),
        disk_used=_sum(of(node, "rootused") for node in nodes),
        disk_whole=_sum(of(node, "roottotal") for node in nodes),
    )


def _sum(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _times(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other
