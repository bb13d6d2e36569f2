"""How a cluster comes together again, and how long it takes: corosync's part, which is its own, and ours after it.

Corosync's part ends when every node's corosync counts every node in one ring; ours ends when every node acknowledges
writes, and when, once nobody writes any more, all hold the same tree.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from cluster.control import requests
from cluster.errors import QuireError
from demo.visitor import Visited
from lab import corosync
from lab.hosts import Lab
from tests.scenarios.evidence import ask
from tests.scenarios.load import Load

TOGETHER_S = 30.0
GOAL_S = 3.0  # from corosync's full membership to writing, and from the last write to one tree
SLOWER = 2  # a machine may be so much slower than the one the goal is for; what it took is told each time
OURS_S = GOAL_S * SLOWER
PAUSE_S = 0.02


@dataclass(frozen=True)
class Healing:
    """Seconds from the moment of healing until corosync had all nodes in one ring for good (`corosync_s`), and until
    all nodes had acknowledged a write that was asked for after it (`writing_s`)."""

    corosync_s: float
    writing_s: float

    @property
    def ours_s(self) -> float:
        return max(0.0, self.writing_s - self.corosync_s)

    def __str__(self) -> str:
        return (
            f"corosync whole {self.corosync_s:.1f} s after healing, all nodes write {self.writing_s:.1f} s after it "
            f"({self.ours_s:.2f} s ours)"
        )


class RingWatch:
    """Asks every node's corosync again and again; `whole_at` is when they last came to one ring of all nodes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.whole_at: float | None = None
        self._ring = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> RingWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _watch(self) -> None:
        while not self._stop.is_set():
            seen = {corosync.membership(self.lab, node) for node in self.lab.nodes}
            quorate, votes, ring = seen.pop()
            if seen or not quorate or votes != len(self.lab.nodes):
                self.whole_at, self._ring = None, ""
            elif ring != self._ring:
                self.whole_at, self._ring = time.monotonic(), ring
            self._stop.wait(PAUSE_S)


def watch_healing(lab: Lab, load: Load, timeout_s: float = TOGETHER_S) -> Healing:
    """From now, when the fault has ended, until corosync is whole and every node of the load acknowledges writes."""
    since_s = time.monotonic()
    with RingWatch(lab) as ring:
        while True:
            silent = silent_since(load, since_s)
            if not silent and ring.whole_at is not None:
                return Healing(ring.whole_at - since_s, time.monotonic() - since_s)
            assert time.monotonic() - since_s < timeout_s, f"corosync whole: {ring.whole_at}; nothing from {silent}"
            time.sleep(PAUSE_S)


def watch_writing(load: Load, timeout_s: float = TOGETHER_S) -> None:
    """Until every node of the load acknowledges writes that are asked for from now on."""
    since_s = time.monotonic()
    while silent := silent_since(load, since_s):
        assert time.monotonic() - since_s < timeout_s, f"nothing is acknowledged by {silent}"
        time.sleep(PAUSE_S)


def silent_since(load: Load, since_s: float) -> list[str]:
    return [node.name for node in load.nodes if not load.acknowledged_by(node.name, since_s)]


def epoch_of(node: Visited) -> int | None:
    """The epoch a node writes in, None when it cannot write or does not answer."""
    try:
        store = ask(node, requests.Status())["cluster"]["store"]
    except QuireError:
        return None
    return int(store["revision"]["epoch"]) if store["writable"] else None


def await_one_store(nodes: Iterable[Visited], timeout_s: float) -> float:
    """Wait until all nodes can write and hold the same tree, each store verified; returns the seconds it took."""
    nodes, began = list(nodes), time.monotonic()
    while True:
        states = [_seen(node) for node in nodes]
        if len(set(states)) == 1 and states[0] is not None:
            return time.monotonic() - began
        assert time.monotonic() - began < timeout_s, f"the stores did not come together: {states}"
        time.sleep(0.05)


def _seen(node: Visited) -> tuple[str, int, tuple[int, ...]] | None:
    try:
        if epoch_of(node) is None:
            return None
        verified = ask(node, requests.StoreVerify())
    except QuireError:
        return None
    assert verified["ok"], verified["findings"]
    return verified["digest"], verified["entries"], tuple(verified["revision"])
