"""Clients that keep a cluster busy and record all they did and were told, so that a fault can be judged afterwards.

On each node some make files of their own; one overwrites a few files that all nodes' clients overwrite, by turns
whatever is there and only what it has read; and one reads those, by turns for the newest and within its session.
Every write has content of its own. All times are of this machine's one monotonic clock; `tests/history/` judges.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cluster.control import requests
from cluster.control.blocking import BlockingClient, lost
from cluster.errors import NotFound, OutcomeUnknown, QuireError, StoreRefusal
from demo.visitor import Visited
from tests.history.call import CHANGES, READS, Call, Recorder

WRITE_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 8.0
PAUSE_S = 0.01
AWAY_S = 0.1  # before a node that is away is asked again
HOT_PATHS = 4
MOVE_ON_S = 2.0  # to other hot paths: what happened to one must stay short enough to be searched
OK, REFUSED, FAILED, UNKNOWN = "OK", "REFUSED", "FAILED", "UNKNOWN"
_turns = itertools.count(1)  # no two loads of a run make the same file


@dataclass
class Load:
    """`with Load(nodes) as load:` is a while of load. `writers_each` make files of about `size` bytes."""

    nodes: list[Visited]
    writers_each: int = 2
    size: int = 500

    def __post_init__(self) -> None:
        self.turn = next(_turns)
        self.began_s = time.monotonic()
        asked = (BlockingClient(node.socket).call(requests.StorePoint()) for node in self.nodes)
        self.store = next(asked)["point"].partition("-")[0]
        self._stop = threading.Event()
        self._clients = [client for number, node in enumerate(self.nodes, 1) for client in self._make(node, number)]
        self._threads = [threading.Thread(target=self._run, args=(act,), daemon=True) for act, _ in self._clients]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(WRITE_TIMEOUT_S * 3)
        assert not any(thread.is_alive() for thread in self._threads), "a call never came back"

    # --- what happened ------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        return [call for _, client in self._clients for call in list(client.recorder.calls)]

    @property
    def worst_s(self) -> float:
        return max((client.worst_s for _, client in self._clients), default=0.0)

    def changes(self, outcome: str) -> list[Call]:
        return [call for call in self.calls if call.kind in CHANGES and call.outcome == outcome]

    def made(self, outcome: str) -> list[Call]:
        return [call for call in self.calls if call.kind == "create" and call.outcome == outcome]

    def acknowledged_by(self, name: str, since_s: float) -> bool:
        """Was a write acknowledged on this node that began after `since_s`?"""
        return any(
            call.outcome == OK and call.kind in CHANGES and call.invoked_s > since_s
            for _, client in self._clients
            if client.node.name == name
            for call in reversed(list(client.recorder.calls)[-50:])
        )

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.changes(one))} {one}" for one in (OK, REFUSED, FAILED, UNKNOWN))
        reads = sum(call.kind in READS and call.outcome == OK for call in self.calls)
        return f"writes {counts}; {reads} reads OK; longest call {self.worst_s:.1f} s"

    # --- clients ------------------------------------------------------------------------------------------------------

    def _make(self, node: Visited, number: int) -> Iterator[tuple[Callable[[], bool], _Client]]:
        for writer in range(self.writers_each):
            client = _Client(self, node, number, f"{self.turn}-{node.name}-{writer}")
            yield client.create, client
        client = _Client(self, node, number, f"{self.turn}-{node.name}-overwriting")
        yield client.overwrite, client
        client = _Client(self, node, number, f"{self.turn}-{node.name}-reading")
        yield client.look, client

    def _run(self, act: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            self._stop.wait(PAUSE_S if act() else AWAY_S)

    def hot_path(self, number: int) -> str:
        return f"hot{self.turn}-{(time.monotonic() - self.began_s) // MOVE_ON_S:.0f}-{number % HOT_PATHS}"


class _Client:
    """One session: it does one thing after the other. Each act returns whether the node was there to answer."""

    def __init__(self, load: Load, node: Visited, node_id: int, name: str) -> None:
        self.load, self.node, self.node_id, self.name = load, node, node_id, name
        self.recorder = Recorder(name, time.monotonic)
        self.worst_s = 0.0
        self._count = itertools.count()
        self._seen = ""

    def create(self) -> bool:
        path = f"load{self.name}-{next(self._count)}"
        return self._write("create", path, content_of(path, self.load.size))

    def overwrite(self) -> bool:
        number = next(self._count)
        path, value = self.load.hot_path(number), f"{self.name} wrote this as number {number}\n"
        if number // HOT_PATHS % 2 == 0:
            return self._write("write", path, value)
        found = self._read("session-read", path)
        if found.outcome != OK or found.value is None:
            return found.outcome == OK
        return self._write("cas", path, value, found.value)

    def look(self) -> bool:
        number = next(self._count)
        kind = READS[number // HOT_PATHS % len(READS)]
        return self._read(kind, self.load.hot_path(number)).outcome == OK

    def _write(self, kind: str, path: str, value: str, expect: str | None = None) -> bool:
        name = uuid.uuid4().hex
        digest = {"write": None, "create": "", "cas": hashlib.sha1((expect or "").encode()).hexdigest()}[kind]
        wanted = requests.StoreWrite(path, value.encode(), digest, request_id=name, timeout_s=WRITE_TIMEOUT_S)
        call = self.recorder.invoke(kind, path, value=value, expect=expect, node_id=self.node_id, request_id=name)
        outcome, revision = self._outcome(lambda: self._ask(wanted, WRITE_TIMEOUT_S + 5)["revision"])
        self._returned(call, outcome, revision)
        return outcome in (OK, REFUSED)

    def _read(self, kind: str, path: str) -> Call:
        call = self.recorder.invoke(kind, path, node_id=self.node_id)
        found: list[str | None] = [None]

        def read() -> list[int]:
            point = self._ask(requests.StorePoint(self._seen, consistent=kind == "read"), READ_TIMEOUT_S)
            try:
                told = self._ask(requests.StoreRead(path), READ_TIMEOUT_S)
            except NotFound:
                return list(point["revision"])
            found[0] = bytes(told["data"]).decode()
            return list(told["revision"])

        outcome, revision = self._outcome(read)
        # A reader whose question came to nothing has seen nothing, which is all that can be said of it.
        self._returned(call, FAILED if outcome == UNKNOWN else outcome, revision, found[0])
        return call

    def _outcome(self, ask: Callable[[], list[int]]) -> tuple[str, tuple[int, int] | None]:
        try:
            epoch, index = ask()
        except OutcomeUnknown:
            return UNKNOWN, None
        except StoreRefusal as refusal:
            return REFUSED if "changed by someone else" in refusal.message else FAILED, None
        except QuireError as error:
            # A daemon that died under the request has not said what became of it.
            return UNKNOWN if error.message == lost(self.node.socket).message else FAILED, None
        return OK, (epoch, index)

    def _returned(self, call: Call, outcome: str, revision: tuple[int, int] | None, value: str | None = None) -> None:
        self.worst_s = max(self.worst_s, time.monotonic() - call.invoked_s)
        if revision is not None:
            self._seen = f"{self.load.store}-{revision[0]}.{revision[1]}"
        self.recorder.returned(call, outcome, value=value, revision=revision)

    def _ask(self, request: requests.Request, timeout_s: float) -> dict[str, Any]:
        return BlockingClient(self.node.socket).call(request, timeout_s)


def content_of(path: str, size: int) -> str:
    line = f"this is {path}\n"
    return line * max(1, size // len(line))
