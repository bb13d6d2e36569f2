"""Clients that keep a cluster busy and remember all they did and were told, so that a fault can be judged afterwards.

On each node some make files of their own, one overwrites a few registers that everybody overwrites, by turns whatever
is there and only what it has read, and one reads them. Every write has content of its own; its outcome is ok, failed
or unknown, nothing else. All times are of this machine's one monotonic clock. What follows from it is `judge.py`.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cluster.control import requests
from cluster.control.blocking import BlockingClient
from cluster.errors import NotFound, OutcomeUnknown, QuireError
from demo.visitor import Visited

WRITE_TIMEOUT_S = 10.0
PAUSE_S = 0.01
AWAY_S = 0.1  # before a node that is away is asked again
REGISTERS = 4
FOREVER = math.inf
OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
_turns = itertools.count(1)  # no two loads of a run make the same file

Revision = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client did. `kind` is create, write, swap (a write of what it had read) or read; `value` is what was
    written, or read; `before` is the digest a swap was made on. An outcome that is not known ends FOREVER."""

    process: str
    node: str
    kind: str
    path: str
    value: bytes | None
    begun_s: float
    ended_s: float
    outcome: str
    revision: Revision | None = None
    before: str | None = None
    request_id: str | None = None


@dataclass
class Load:
    """`with Load(nodes) as load:` is a while of load; afterwards `history` is what happened."""

    nodes: list[Visited]
    writers_each: int = 2
    size: int = 500  # bytes of a file that is made, about
    history: list[Operation] = field(default_factory=list)
    worst_s: float = 0.0

    def __post_init__(self) -> None:
        self.turn = next(_turns)
        self.registers = [f"register{self.turn}-{number}" for number in range(REGISTERS)]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(client,), daemon=True)
            for node in self.nodes
            for client in self._clients(node)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(WRITE_TIMEOUT_S * 3)
        assert not any(thread.is_alive() for thread in self._threads), "a call never came back"

    def of(self, kind: str, outcome: str) -> list[Operation]:
        return [one for one in list(self.history) if one.kind == kind and one.outcome == outcome]

    def writes(self, outcome: str) -> list[Operation]:
        return [one for one in list(self.history) if one.kind != "read" and one.outcome == outcome]

    def acknowledged_by(self, name: str, since_s: float) -> list[Operation]:
        """Writes on this node that began after `since_s` and were acknowledged."""
        return [one for one in self.writes(OK) if one.node == name and one.begun_s > since_s]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.writes(outcome))} {outcome}" for outcome in (OK, FAILED, UNKNOWN))
        return f"writes {counts}; {len(self.of('read', OK))} reads; longest call {self.worst_s:.1f} s"

    # --- clients ------------------------------------------------------------------------------------------------------

    def _clients(self, node: Visited) -> Iterator[Callable[[], bool]]:
        for number in range(self.writers_each):
            yield _Client(self, node, f"{self.turn}-{node.name}-{number}").create
        yield _Client(self, node, f"{self.turn}-{node.name}-overwriting").overwrite
        yield _Client(self, node, f"{self.turn}-{node.name}-reading").read

    def _run(self, client: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            self._stop.wait(PAUSE_S if client() else AWAY_S)


class _Client:
    """One process of the history: it does one thing after the other."""

    def __init__(self, load: Load, node: Visited, name: str) -> None:
        self.load, self.node, self.name = load, node, name
        self._count = itertools.count()
        self._registers = itertools.cycle(load.registers)

    def create(self) -> bool:
        path = f"load{self.name}-{next(self._count)}"
        return self._write("create", path, content_of(path, self.load.size))

    def overwrite(self) -> bool:
        path, number = next(self._registers), next(self._count)
        value = f"{self.name} wrote this as its number {number}\n".encode()
        if number // REGISTERS % 2 == 0:
            return self._write("write", path, value)
        answered, known = self._read(path)
        return self._write("swap", path, value, hashlib.sha1(known).hexdigest()) if known is not None else answered

    def read(self) -> bool:
        return self._read(next(self._registers))[0]

    def _write(self, kind: str, path: str, value: bytes, before: str | None = None) -> bool:
        """Returns whether the node was there to answer."""
        name = uuid.uuid4().hex
        request = requests.StoreWrite(path, value, digest=before, request_id=name, timeout_s=WRITE_TIMEOUT_S)
        begun_s, revision = time.monotonic(), None
        try:
            told = BlockingClient(self.node.socket).call(request, timeout_s=WRITE_TIMEOUT_S + 5)
        except OutcomeUnknown:
            outcome = UNKNOWN
        except QuireError as error:
            # A daemon that died under the request has not said what became of it.
            outcome = UNKNOWN if error.code == "unavailable" else FAILED
        else:
            outcome, revision = OK, _revision(told)
        self._remember(kind, path, value, begun_s, outcome, revision, before, name)
        return outcome != UNKNOWN

    def _read(self, path: str) -> tuple[bool, bytes | None]:
        """Whether the node answered, and what is there."""
        begun_s = time.monotonic()
        value, revision, outcome = None, None, OK
        try:
            told = BlockingClient(self.node.socket).call(requests.StoreRead(path), timeout_s=WRITE_TIMEOUT_S)
        except NotFound:
            pass
        except QuireError:
            outcome = FAILED
        else:
            value, revision = bytes(told["data"]), _revision(told)
        self._remember("read", path, value, begun_s, outcome, revision)
        return outcome == OK, value

    def _remember(
        self, kind: str, path: str, value: bytes | None, begun_s: float, outcome: str, revision: Revision | None,
        before: str | None = None, request_id: str | None = None,
    ) -> None:  # fmt: skip
        ended_s = time.monotonic()
        self.load.worst_s = max(self.load.worst_s, ended_s - begun_s)
        ended_s = FOREVER if outcome == UNKNOWN else ended_s
        who, node = self.name, self.node.name
        done = Operation(who, node, kind, path, value, begun_s, ended_s, outcome, revision, before, request_id)
        self.load.history.append(done)


def _revision(told: dict[str, list[int]]) -> Revision:
    epoch, index = told["revision"]
    return epoch, index


def content_of(path: str, size: int) -> bytes:
    line = f"this is {path}\n".encode()
    return line * max(1, size // len(line))
