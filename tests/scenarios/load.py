"""Writers that keep a cluster busy and remember what they were told, so that a fault can be judged afterwards.

Each write makes a file of its own with content of its own; its outcome is OK, FAILED or UNKNOWN, nothing else.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from cluster.control import requests
from cluster.control.blocking import BlockingClient
from cluster.errors import OutcomeUnknown, QuireError
from demo.visitor import Visited
from tests.scenarios.evidence import ask

WRITE_TIMEOUT_S = 10.0
PAUSE_S = 0.01
_turns = itertools.count(1)  # no two loads of a run make the same file


@dataclass
class Load:
    """`ok` and `failed` are path → (node, begun, ended) on the monotonic clock; `worst_s` is the longest call."""

    nodes: list[Visited]
    writers_each: int = 2
    ok: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    failed: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    unknown: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    worst_s: float = 0.0

    def __post_init__(self) -> None:
        self._turn = next(_turns)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._write, args=(node, number), daemon=True)
            for node in self.nodes
            for number in range(self.writers_each)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(WRITE_TIMEOUT_S * 3)
        assert not any(thread.is_alive() for thread in self._threads), "a write never came back"

    def acknowledged_by(self, name: str, since: float) -> list[str]:
        """Paths whose write on this node began after `since` and was acknowledged."""
        with self._lock:
            return [path for path, (node, begun, _) in self.ok.items() if node == name and begun > since]

    def _write(self, node: Visited, number: int) -> None:
        count = 0
        while not self._stop.is_set():
            path = f"load{self._turn}-{node.name}-{number}-{count}"
            count += 1
            begun = time.monotonic()
            outcome = self._one(node, path)
            ended = time.monotonic()
            with self._lock:
                outcome[path] = (node.name, begun, ended)
                self.worst_s = max(self.worst_s, ended - begun)
            self._stop.wait(PAUSE_S)

    def _one(self, node: Visited, path: str) -> dict[str, tuple[str, float, float]]:
        request = requests.StoreWrite(path, content_of(path), timeout_s=WRITE_TIMEOUT_S)
        try:
            BlockingClient(node.socket).call(request, timeout_s=WRITE_TIMEOUT_S + 5)
        except OutcomeUnknown:
            return self.unknown
        except QuireError as error:
            # A daemon that died under the request has not said what became of it.
            return self.unknown if error.code == "unavailable" else self.failed
        return self.ok


def content_of(path: str) -> bytes:
    return f"this is {path}\n".encode() * 20


def await_one_store(nodes: Iterable[Visited], timeout_s: float) -> float:
    """Wait until all nodes can write and hold the same tree; returns the seconds it took."""
    nodes, began = list(nodes), time.monotonic()
    while True:
        states = [_seen(node) for node in nodes]
        if len(set(states)) == 1 and states[0] is not None:
            return time.monotonic() - began
        assert time.monotonic() - began < timeout_s, f"the stores did not come together: {states}"
        time.sleep(0.1)


def _seen(node: Visited) -> tuple[str, int] | None:
    try:
        status = ask(node, requests.Status())["cluster"]
        verified = ask(node, requests.StoreVerify())
    except QuireError:
        return None
    assert verified["ok"], verified["findings"]
    return (verified["digest"], verified["entries"]) if status["store"]["writable"] else None


def judge(load: Load, nodes: Iterable[Visited]) -> None:
    """Nothing that was acknowledged is lost, nothing that failed is there, on any node."""
    for node in nodes:
        have = {entry["name"] for entry in ask(node, requests.StoreList(""))}
        lost = sorted(set(load.ok) - have)
        assert not lost, f"{len(lost)} acknowledged writes are not on {node.name}, {lost[:3]} among them"
        undead = sorted(set(load.failed) & have)
        assert not undead, f"{len(undead)} refused writes are on {node.name}, {undead[:3]} among them"
        for path in list(load.ok)[:: max(1, len(load.ok) // 20)]:
            assert ask(node, requests.StoreRead(path))["data"] == content_of(path)
